// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import com.google.common.net.HostAndPort;

/**
 * Where and how access log entries are streamed to.
 *
 * @param address of an Envoy access log service
 * @param transport TLS trusts the system's certificates
 * @param logName {@code identifier.log_name}
 * @param queueSize connections that may wait; more are lost and counted
 */
public record AlsConfig(
    HostAndPort address,
    Transport transport,
    String logName,
    int queueSize,
    String nodeId,
    String nodeCluster) {
  /** Plain HTTP/2 or TLS. */
  public enum Transport {
    PLAINTEXT,
    TLS
  }
}
