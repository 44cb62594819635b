// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ConnectionTest {
  private static List<Field> fields() {
    return Arrays.stream(Connection.class.getDeclaredFields())
        .filter(field -> !field.isSynthetic() && !Modifier.isStatic(field.getModifiers()))
        .toList();
  }

  /** Another value than that of a new instance in every field, different for each. */
  private static Connection filled() throws IllegalAccessException {
    Connection c = new Connection();
    int number = 1;
    for (Field field : fields()) {
      number++;
      Class<?> type = field.getType();
      if (type == long.class) {
        field.setLong(c, number);
      } else if (type == int.class) {
        field.setInt(c, number);
      } else if (type == boolean.class) {
        field.setBoolean(c, true);
      } else if (type == String.class) {
        field.set(c, "text " + number);
      } else if (type.isEnum()) {
        Object[] constants = type.getEnumConstants();
        field.set(c, constants[0].equals(field.get(c)) ? constants[1] : constants[0]);
      } else if (type == byte[].class) {
        Arrays.fill((byte[]) field.get(c), (byte) number);
      } else if (type == Identity.class) {
        field.set(c, Identity.builder().pod("pod " + number).source("test").build());
      } else {
        throw new IllegalStateException("teach this test to fill " + field);
      }
    }
    return c;
  }

  private static boolean same(Object a, Object b) {
    return a.getClass().isArray() ? Arrays.equals((byte[]) a, (byte[]) b) : a.equals(b);
  }

  @Test
  void copyIsEqualInEveryField() throws IllegalAccessException {
    Connection original = filled();
    Connection fresh = new Connection();

    Connection copy = original.copy();

    for (Field field : fields()) {
      assertThat(same(field.get(original), field.get(fresh)))
          .as("%s differs from its default before the copy", field)
          .isFalse();
      assertThat(same(field.get(copy), field.get(original))).as(field.getName()).isTrue();
    }
  }

  @Test
  void copySharesNoArrayWithItsOriginal() throws IllegalAccessException {
    Connection original = filled();
    Connection copy = original.copy();

    for (Field field : fields()) {
      if (field.getType().isArray()) {
        Array.setByte(field.get(original), 0, (byte) 99);
      }
    }

    assertThat(original.comm[0]).isEqualTo((byte) 99);
    assertThat(copy.comm[0]).isNotEqualTo((byte) 99);
  }

  private static Connection times(Direction direction, long start, long established, long end) {
    Connection c = new Connection();
    c.direction = direction;
    c.startMonoNs = start;
    c.establishedMonoNs = established;
    c.endMonoNs = end;
    c.endEpochNs = 1_000_000 + end;
    return c;
  }

  @Test
  void connectTimeOfAnOutboundConnectionIsSynToEstablished() {
    assertThat(times(Direction.OUTBOUND, 100, 130, 200).connectNs()).isEqualTo(30);
  }

  @Test
  void inboundConnectionHasNoConnectTime() {
    assertThat(times(Direction.INBOUND, 100, 130, 200).connectNs()).isZero();
  }

  @Test
  void connectionNeverEstablishedHasNoConnectTime() {
    assertThat(times(Direction.OUTBOUND, 100, 0, 200).connectNs()).isZero();
  }

  @Test
  void connectionWhoseSynWasNotSeenHasNoConnectTime() {
    assertThat(times(Direction.OUTBOUND, 130, 130, 200).connectNs()).isZero();
  }

  @Test
  void durationIsStartToEnd() {
    assertThat(times(Direction.INBOUND, 100, 100, 207).durationNs()).isEqualTo(107);
  }

  @Test
  void durationIsNeverNegative() {
    assertThat(times(Direction.INBOUND, 207, 207, 100).durationNs()).isZero();
  }

  @Test
  void startInWallTimeIsTheEndLessTheDuration() {
    assertThat(times(Direction.INBOUND, 100, 100, 207).startEpochNs()).isEqualTo(1_000_100);
  }

  private static Connection ends(Direction direction) {
    Connection c = new Connection();
    c.direction = direction;
    c.localLow = 1;
    c.remoteLow = 2;
    c.localPort = 11;
    c.remotePort = 22;
    return c;
  }

  @Test
  void outboundConnectionHasTheClientHere() {
    Connection c = ends(Direction.OUTBOUND);

    assertThat(c.client()).isEqualTo(new Address(0, 1));
    assertThat(c.clientPort()).isEqualTo(11);
    assertThat(c.server()).isEqualTo(new Address(0, 2));
    assertThat(c.serverPort()).isEqualTo(22);
  }

  @Test
  void inboundConnectionHasTheServerHere() {
    Connection c = ends(Direction.INBOUND);

    assertThat(c.client()).isEqualTo(new Address(0, 2));
    assertThat(c.clientPort()).isEqualTo(22);
    assertThat(c.server()).isEqualTo(new Address(0, 1));
    assertThat(c.serverPort()).isEqualTo(11);
  }
}
