// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

import io.meshlens.enrich.TimedClaims;
import io.meshlens.flow.Address;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Who claims which address, and who of them is believed: the first by rank; of pods the one that
 * began last, because an address is given again only when it is free; of others nobody when they
 * are several.
 *
 * <p>Owned by: identity-kubernetes.
 */
final class AddressBook {
  private final TimedClaims claims;

  /** By address a {@link Claimant}, or where there are several a list of them. */
  private final Map<Address, Object> claimants = new HashMap<>();

  AddressBook(TimedClaims claims) {
    this.claims = claims;
  }

  void add(Address address, Claimant claimant) {
    Object before = claimants.get(address);
    switch (before) {
      case null -> claimants.put(address, claimant);
      case Claimant only -> {
        if (!only.equals(claimant)) {
          claimants.put(address, new ArrayList<>(List.of(only, claimant)));
        }
      }
      default -> {
        List<Claimant> several = several(before);
        if (!several.contains(claimant)) {
          several.add(claimant);
        }
      }
    }
  }

  void remove(Address address, Claimant claimant) {
    Object before = claimants.get(address);
    if (claimant.equals(before)) {
      claimants.remove(address);
    } else if (before instanceof List<?>) {
      List<Claimant> several = several(before);
      several.remove(claimant);
      if (several.size() == 1) {
        claimants.put(address, several.getFirst());
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static List<Claimant> several(Object claimants) {
    return (List<Claimant>) claimants;
  }

  /** Says who has the address now. */
  void settle(Address address) {
    Optional<Claimant> owner =
        switch (claimants.get(address)) {
          case null -> Optional.empty();
          case Claimant only -> Optional.of(only);
          case Object several -> believed(several(several));
        };
    owner.ifPresentOrElse(
        o -> claims.assign(address, o.identity(), o.sinceEpochNs()),
        () -> claims.withdraw(address));
  }

  private static Optional<Claimant> believed(List<Claimant> several) {
    Claimant.Rank best = several.stream().map(Claimant::rank).min(Enum::compareTo).orElseThrow();
    List<Claimant> first = several.stream().filter(c -> c.rank() == best).toList();
    if (best == Claimant.Rank.POD) {
      Claimant latest = first.getFirst();
      for (Claimant each : first) {
        if (each.sinceEpochNs() > latest.sinceEpochNs()) {
          latest = each;
        }
      }
      return Optional.of(latest);
    }
    return first.size() == 1 ? Optional.of(first.getFirst()) : Optional.empty();
  }
}
