// SPDX-License-Identifier: Apache-2.0
package io.meshlens.spool;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What a spool reported. */
final class CountedLosses implements Losses {
  final Map<LossCause, Long> lost = new EnumMap<>(LossCause.class);
  final List<String> failures = new ArrayList<>();

  @Override
  public void lost(LossCause cause, long records) {
    if (records > 0) {
      lost.merge(cause, records, Long::sum);
    }
  }

  @Override
  public void failed(String what) {
    failures.add(what);
  }

  long all() {
    return lost.values().stream().mapToLong(Long::longValue).sum();
  }
}
