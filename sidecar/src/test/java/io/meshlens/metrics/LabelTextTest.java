// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class LabelTextTest {
  private static final String PAIR = "\ud83d\ude00";

  private final Vitals vitals = new Vitals();
  private final LabelText text = new LabelText(vitals);

  private void assertChanges(long truncated, long replaced) {
    assertThat(vitals.get(Vital.LABEL_VALUES_TRUNCATED)).isEqualTo(truncated);
    assertThat(vitals.get(Vital.LABEL_VALUES_REPLACED)).isEqualTo(replaced);
  }

  @Test
  void ordinaryTextWithQuotesLineFeedsAndEmojiIsLeftAlone() {
    String odd = "a\"b\\c\nd\te ü " + PAIR;

    assertThat(text.clean(odd)).isSameAs(odd);
    assertChanges(0, 0);
  }

  @Test
  void tenKilobytesAreCutAtTheBoundAndCounted() {
    assertThat(text.clean("x".repeat(10_240))).isEqualTo("x".repeat(LabelText.MAX_LENGTH));
    assertChanges(1, 0);
  }

  @Test
  void theCutDoesNotDivideACharacter() {
    assertThat(text.clean("x".repeat(LabelText.MAX_LENGTH - 1) + PAIR))
        .isEqualTo("x".repeat(LabelText.MAX_LENGTH - 1));
    assertChanges(1, 0);
  }

  @Test
  void whatHasNoUtf8AndWhatEndsAPageIsReplaced() {
    assertThat(text.clean("a\ud800b\udc00c\u0000d\re\u0085")).isEqualTo("a�b�c�d�e�");
    assertChanges(0, 1);
  }

  @Test
  void everyTextBecomesOneThatSurvivesUtf8() {
    Random random = new Random(3);
    for (int i = 0; i < 10_000; i++) {
      char[] chars = new char[random.nextInt(12)];
      for (int c = 0; c < chars.length; c++) {
        chars[c] =
            (char) (random.nextInt(4) == 0 ? 0xd700 + random.nextInt(0xa00) : random.nextInt());
      }
      String clean = text.clean(new String(chars));
      assertThat(new String(clean.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))
          .isEqualTo(clean);
      assertThat(text.clean(clean)).isSameAs(clean);
    }
  }
}
