// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import java.time.Duration;
import java.util.Optional;

/**
 * What metrics are made of the numbers.
 *
 * @param detail empty for workloads where identities are known, else addresses
 * @param maxSeries label sets that a metric may have, beside the overflow
 * @param idleTimeout after which a series without a change or an open connection is dropped
 */
public record MetricsConfig(
    Profile profile,
    Optional<Detail> detail,
    AttributeRules attributes,
    int maxSeries,
    Duration idleTimeout) {}
