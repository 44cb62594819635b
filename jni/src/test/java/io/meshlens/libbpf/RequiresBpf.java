// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips a class, loudly, where bpf(2) is not permitted; with {@code CI=true} it fails instead. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresBpf.Condition.class)
public @interface RequiresBpf {

  final class Condition implements ExecutionCondition {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      if (KernelProbe.mapType(MapType.RINGBUF.kernelId()) == KernelProbe.Answer.YES) {
        return ConditionEvaluationResult.enabled("bpf(2) is permitted");
      }
      String message = "bpf(2) is not permitted here: " + context.getDisplayName() + " did not run";
      if ("true".equals(System.getenv("CI"))) {
        throw new IllegalStateException(message + ", and CI must run it");
      }
      System.err.println("*** SKIPPED: " + message + " (run as root) ***");
      return ConditionEvaluationResult.disabled(message);
    }
  }
}
