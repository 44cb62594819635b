// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.vitals.Vital;

/** Where a log counts what it was not given, by cause. */
public record ChoiceVitals(
    Vital event, Vital filter, Vital sampling, Vital rateLimit, Vital deltasFull, Vital errors) {
  public static final ChoiceVitals STDOUT =
      new ChoiceVitals(
          Vital.STDOUT_LEFT_OUT_EVENT,
          Vital.STDOUT_LEFT_OUT_FILTER,
          Vital.STDOUT_LEFT_OUT_SAMPLING,
          Vital.STDOUT_LEFT_OUT_RATE_LIMIT,
          Vital.STDOUT_LEFT_OUT_DELTAS_FULL,
          Vital.STDOUT_FILTER_ERRORS);
  public static final ChoiceVitals FILE =
      new ChoiceVitals(
          Vital.FILE_LEFT_OUT_EVENT,
          Vital.FILE_LEFT_OUT_FILTER,
          Vital.FILE_LEFT_OUT_SAMPLING,
          Vital.FILE_LEFT_OUT_RATE_LIMIT,
          Vital.FILE_LEFT_OUT_DELTAS_FULL,
          Vital.FILE_FILTER_ERRORS);
  public static final ChoiceVitals ALS =
      new ChoiceVitals(
          Vital.ALS_LEFT_OUT_EVENT,
          Vital.ALS_LEFT_OUT_FILTER,
          Vital.ALS_LEFT_OUT_SAMPLING,
          Vital.ALS_LEFT_OUT_RATE_LIMIT,
          Vital.ALS_LEFT_OUT_DELTAS_FULL,
          Vital.ALS_FILTER_ERRORS);
  public static final ChoiceVitals OTLP =
      new ChoiceVitals(
          Vital.OTLP_LOGS_LEFT_OUT_EVENT,
          Vital.OTLP_LOGS_LEFT_OUT_FILTER,
          Vital.OTLP_LOGS_LEFT_OUT_SAMPLING,
          Vital.OTLP_LOGS_LEFT_OUT_RATE_LIMIT,
          Vital.OTLP_LOGS_LEFT_OUT_DELTAS_FULL,
          Vital.OTLP_LOGS_FILTER_ERRORS);
}
