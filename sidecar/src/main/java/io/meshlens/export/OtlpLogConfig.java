// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

/** Where log records are pushed to, and whose they are. */
public record OtlpLogConfig(OtlpReceiver receiver, String nodeId, String nodeCluster) {}
