// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How an access log service is reached.
 *
 * @param addresses at least one, the best first
 * @param tls empty for plain HTTP/2
 * @param authority what the server is called instead of its address, for TLS too
 * @param headers of every stream; values may be secrets
 * @param keepAlive silence on a connection after which it is tried; empty for never
 */
public record AlsTransport(
    List<AlsAddress> addresses,
    Optional<TlsFiles> tls,
    Optional<String> authority,
    Map<String, String> headers,
    Optional<Duration> keepAlive) {
  public AlsTransport {
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("no address");
    }
    addresses = List.copyOf(addresses);
    headers = Map.copyOf(headers);
  }

  @Override
  public String toString() {
    return addresses + (tls.isPresent() ? " with TLS" : "");
  }
}
