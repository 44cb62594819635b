// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.time.Duration;

/**
 * How connections become batches.
 *
 * @param queueSize connections that may wait for being encoded; more are lost and counted
 * @param batchRecords a batch has no more records
 * @param batchBytes a batch is closed when it has so many
 * @param batchInterval a batch is closed after this time
 */
public record DeliveryConfig(
    int queueSize, int batchRecords, int batchBytes, Duration batchInterval) {}
