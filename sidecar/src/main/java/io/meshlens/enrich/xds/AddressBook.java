// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import io.meshlens.enrich.AddressClaims;
import io.meshlens.flow.Address;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which resource has which address. An address has one owner; where several resources claim it, the
 * one that did so in the latest response has it, because pods come before those whose address they
 * take over have gone; and nobody, when the latest were told at once. Owned by: identity-istio.
 */
final class AddressBook {
  /**
   * @param response number of the response that brought the claim
   */
  private record Claim(Held claimant, long response) {}

  private final AddressClaims out;
  private final Map<Address, Claim> sole = new HashMap<>();

  /** Those with two claims or more; in the order in which they came. */
  private final Map<Address, List<Claim>> disputed = new HashMap<>();

  /** Disputes that began since the last commit. */
  private final Set<Address> begun = new HashSet<>();

  AddressBook(AddressClaims out) {
    this.out = out;
  }

  void claim(Address address, Held claimant, long response) {
    Claim claim = new Claim(claimant, response);
    List<Claim> claims = disputed.get(address);
    if (claims == null) {
      Claim first = sole.remove(address);
      if (first == null) {
        sole.put(address, claim);
        out.assign(address, claimant.identity);
        return;
      }
      claims = new ArrayList<>(List.of(first));
      disputed.put(address, claims);
      begun.add(address);
    }
    Held before = owner(claims);
    claims.add(claim);
    settle(address, before, owner(claims));
  }

  void release(Address address, Held claimant) {
    List<Claim> claims = disputed.get(address);
    if (claims == null) {
      sole.remove(address);
      out.withdraw(address);
      return;
    }
    Held before = owner(claims);
    claims.removeIf(claim -> claim.claimant() == claimant);
    settle(address, before, owner(claims));
    if (claims.size() == 1) {
      disputed.remove(address);
      begun.remove(address);
      sole.put(address, claims.getFirst());
    }
  }

  /** The claimant's identity has changed. */
  void renew(Address address, Held claimant) {
    List<Claim> claims = disputed.get(address);
    if (claims == null || owner(claims) == claimant) {
      out.assign(address, claimant.identity);
    }
  }

  private void settle(Address address, @Nullable Held before, @Nullable Held after) {
    if (before == after) {
      return;
    }
    if (after == null) {
      out.withdraw(address);
    } else {
      out.assign(address, after.identity);
    }
  }

  private static @Nullable Held owner(List<Claim> claims) {
    Claim latest = claims.getFirst();
    boolean alone = true;
    for (Claim claim : claims.subList(1, claims.size())) {
      alone = claim.response() != latest.response();
      latest = claim;
    }
    return alone ? latest.claimant() : null;
  }

  /** Disputes that began since the last call and go on, with the claimants' names. */
  List<String> newDisputes() {
    List<String> disputes = new ArrayList<>();
    for (Address address : begun) {
      List<Claim> claims = disputed.getOrDefault(address, List.of());
      disputes.add(
          address.text()
              + " of "
              + claims.stream().map(c -> Shown.text(c.claimant().name)).toList());
    }
    begun.clear();
    return disputes;
  }

  int addresses() {
    return sole.size() + disputed.size();
  }

  int disputes() {
    return disputed.size();
  }
}
