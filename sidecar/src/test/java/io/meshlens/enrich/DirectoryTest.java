// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich;

import static io.meshlens.enrich.Named.address;
import static io.meshlens.enrich.Named.find;
import static io.meshlens.enrich.Named.workload;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.flow.Address;
import io.meshlens.flow.Identity;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class DirectoryTest {
  private static final Identity CART = workload("cart");
  private static final Identity CHECKOUT = workload("checkout");
  private static final String IP = "10.0.0.7";

  private final Named.Clock clock = new Named.Clock();
  private final Vitals vitals = new Vitals();
  private final Directory directory = directory(Duration.ofMinutes(5), 3);
  private final TimedClaims claims = directory.claims(IdentitySource.KUBERNETES);

  private Directory directory(Duration remember, int most) {
    return new Directory(
        List.of(IdentitySource.KUBERNETES, IdentitySource.ISTIO, IdentitySource.STATIC),
        remember,
        most,
        clock,
        vitals);
  }

  private Identity now() {
    return find(directory, IP, clock.nowEpochNs());
  }

  @Test
  void nothingIsKnownBeforeACommit() {
    claims.assign(address(IP), CART);

    assertThat(now()).isEqualTo(Identity.UNKNOWN);

    claims.commit();

    assertThat(now()).isEqualTo(CART);
  }

  @Test
  void anAddressThatNobodyToldOfIsUnknown() {
    assertThat(now().isUnknown()).isTrue();
    assertThat(vitals.get(Vital.IDENTITY_UNKNOWN)).isEqualTo(1);
    assertThat(vitals.get(Vital.IDENTITY_MISSES_KUBERNETES)).isEqualTo(1);
    assertThat(vitals.get(Vital.IDENTITY_MISSES_ISTIO)).isEqualTo(1);
    assertThat(vitals.get(Vital.IDENTITY_MISSES_STATIC)).isEqualTo(1);
  }

  @Test
  void theFirstSourceInTheOrderOfPrecedenceIsBelieved() {
    AddressClaims istio = directory.claims(IdentitySource.ISTIO);
    istio.assign(address(IP), CHECKOUT);
    istio.commit();

    assertThat(now()).isEqualTo(CHECKOUT);
    assertThat(vitals.get(Vital.IDENTITY_HITS_ISTIO)).isEqualTo(1);

    claims.assign(address(IP), CART);
    claims.commit();

    assertThat(now()).isEqualTo(CART);
    assertThat(vitals.get(Vital.IDENTITY_HITS_KUBERNETES)).isEqualTo(1);
    assertThat(vitals.get(Vital.IDENTITY_HITS_ISTIO)).isEqualTo(1);
  }

  @Test
  void whatTheFirstCommitSaysWasSoBefore() {
    claims.assign(address(IP), CART);
    claims.commit();

    assertThat(find(directory, IP, 0)).isEqualTo(CART);
  }

  @Test
  void whatIsSaidLaterWasSoHalfAMinuteBeforeAtMost() {
    claims.commit();
    claims.assign(address(IP), CART);
    claims.commit();

    assertThat(find(directory, IP, Named.at(Duration.ofSeconds(-30)))).isEqualTo(CART);
    assertThat(find(directory, IP, Named.at(Duration.ofSeconds(-31))).isUnknown()).isTrue();
  }

  @Test
  void anAddressThatIsGivenAgainBelongsToWhoHadItThen() {
    claims.assign(address(IP), CART, Named.at(Duration.ofHours(-1)));
    claims.commit();
    clock.advance(Duration.ofSeconds(10));
    claims.withdraw(address(IP));
    clock.advance(Duration.ofSeconds(10));
    claims.assign(address(IP), CHECKOUT, Named.at(Duration.ofSeconds(15)));
    claims.commit();

    assertThat(find(directory, IP, Named.at(Duration.ofSeconds(9)))).isEqualTo(CART);
    assertThat(find(directory, IP, Named.at(Duration.ofSeconds(10)))).isEqualTo(CHECKOUT);
    assertThat(now()).isEqualTo(CHECKOUT);
    assertThat(find(directory, IP, Named.at(Duration.ofHours(-2))).isUnknown()).isTrue();
  }

  @Test
  void anOwnerWhoseEndWasNotSeenEndsWhenTheNextOneBegan() {
    claims.assign(address(IP), CART, Named.at(Duration.ofHours(-1)));
    claims.commit();
    clock.advance(Duration.ofSeconds(60));
    claims.assign(address(IP), CHECKOUT, Named.at(Duration.ofSeconds(40)));
    claims.commit();

    assertThat(find(directory, IP, Named.at(Duration.ofSeconds(39)))).isEqualTo(CART);
    assertThat(find(directory, IP, Named.at(Duration.ofSeconds(40)))).isEqualTo(CHECKOUT);
  }

  @Test
  void whoLostAnAddressIsRememberedForAWhile() {
    claims.assign(address(IP), CART);
    claims.commit();
    claims.withdraw(address(IP));
    claims.commit();

    clock.advance(Duration.ofMinutes(5));
    assertThat(now()).isEqualTo(CART);

    clock.advance(Duration.ofNanos(1));
    assertThat(now().isUnknown()).isTrue();

    claims.commit();
    assertThat(find(directory, IP, Named.at(Duration.ZERO)).isUnknown()).isTrue();
    assertThat(directory.gauges().getFirst().value().getAsLong()).isZero();
    assertThat(vitals.get(Vital.IDENTITY_OWNERS_FORGOTTEN)).isZero();
  }

  @Test
  void noMoreFormerOwnersAreRememberedThanTheBound() {
    for (int i = 0; i < 5; i++) {
      claims.assign(address("10.0.0." + i), workload("w" + i));
    }
    claims.commit();
    for (int i = 0; i < 5; i++) {
      claims.withdraw(address("10.0.0." + i));
    }
    claims.commit();

    assertThat(find(directory, "10.0.0.1", clock.nowEpochNs()).isUnknown()).isTrue();
    assertThat(find(directory, "10.0.0.2", clock.nowEpochNs())).isEqualTo(workload("w2"));
    assertThat(vitals.get(Vital.IDENTITY_OWNERS_FORGOTTEN)).isEqualTo(2);
    assertThat(directory.gauges().getFirst().value().getAsLong()).isEqualTo(3);
  }

  @Test
  void moreKnownOfTheSameOwnerIsNoOtherOwner() {
    Identity served = CART.toBuilder().service("cart", "shop", "cart.shop").build();
    claims.assign(address(IP), CART, Named.at(Duration.ofHours(-1)));
    claims.commit();
    clock.advance(Duration.ofHours(1));
    claims.assign(address(IP), served, Named.at(Duration.ofHours(-1)));
    claims.commit();

    assertThat(find(directory, IP, Named.at(Duration.ofMinutes(-30)))).isEqualTo(served);
  }

  @Test
  void anAddressThatChangesHandsForEverKeepsABoundedPast() {
    Directory all = directory(Duration.ofHours(1), 1000);
    TimedClaims many = all.claims(IdentitySource.KUBERNETES);
    for (int i = 0; i < 100; i++) {
      many.assign(address(IP), workload("w" + i), clock.nowEpochNs());
      many.commit();
      clock.advance(Duration.ofSeconds(1));
    }

    assertThat(find(all, IP, Named.at(Duration.ofSeconds(99)))).isEqualTo(workload("w99"));
    assertThat(find(all, IP, Named.at(Duration.ofSeconds(96)))).isEqualTo(workload("w96"));
    assertThat(find(all, IP, Named.at(Duration.ofSeconds(90))).isUnknown()).isTrue();
  }

  @Test
  void theUnspecifiedAddressIsNobodys() {
    claims.assign(new Address(0, 0), CART);
    claims.commit();

    assertThat(directory.find(0, 0, clock.nowEpochNs()).isUnknown()).isTrue();
  }

  @Test
  void manyRandomChangesEndAsAMapWouldHaveThem() {
    Random random = new Random(7);
    Map<Address, Identity> expected = new HashMap<>();
    Directory big = directory(Duration.ZERO, 0);
    TimedClaims all = big.claims(IdentitySource.KUBERNETES);
    for (int i = 0; i < 50_000; i++) {
      Address address = new Address(random.nextInt(3), 1 + random.nextInt(2_000));
      if (random.nextInt(3) == 0) {
        all.withdraw(address);
        expected.remove(address);
      } else {
        Identity identity = workload("w" + random.nextInt(50));
        all.assign(address, identity, clock.nowEpochNs());
        expected.put(address, identity);
      }
      clock.advance(Duration.ofMillis(1));
      if (random.nextInt(100) == 0) {
        all.commit();
      }
    }
    clock.advance(Duration.ofSeconds(1));
    all.commit();

    for (int high = 0; high < 3; high++) {
      for (int low = 1; low <= 2_000; low++) {
        assertThat(big.find(high, low, clock.nowEpochNs()))
            .isEqualTo(expected.getOrDefault(new Address(high, low), Identity.UNKNOWN));
      }
    }
    assertThat(big.gauges().getFirst().value().getAsLong()).isEqualTo(expected.size());
  }

  @Test
  void aReaderSeesAllOfACommitOrNothingOfIt() throws InterruptedException {
    AtomicBoolean ending = new AtomicBoolean();
    AtomicLong torn = new AtomicLong();
    claims.assign(address("10.0.1.1"), workload("a0"), 0);
    claims.assign(address("10.0.2.2"), workload("a0"), 0);
    claims.commit();
    Thread reader =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!ending.get()) {
                    // The second is written later: it is never older than the first.
                    int first = number(find(directory, "10.0.1.1", Long.MAX_VALUE));
                    int second = number(find(directory, "10.0.2.2", Long.MAX_VALUE));
                    if (second < first) {
                      torn.incrementAndGet();
                    }
                  }
                });
    for (int i = 1; i <= 20_000; i++) {
      claims.assign(address("10.0.1.1"), workload("a" + i), i);
      claims.assign(address("10.0.2.2"), workload("a" + i), i);
      claims.commit();
    }
    ending.set(true);
    reader.join();

    assertThat(torn).hasValue(0);
  }

  private static int number(Identity identity) {
    return Integer.parseInt(identity.workload().substring(1));
  }
}
