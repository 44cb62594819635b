// SPDX-License-Identifier: Apache-2.0
package io.meshlens.it;

import java.io.IOException;
import java.util.List;

/** Processes that exchange datagrams. */
final class UdpPeers {
  private UdpPeers() {}

  /** One that has {@code udp}, {@code take}, {@code echo} and {@code drain}. */
  static TcpPeer start(List<String> entrance) throws IOException {
    TcpPeer peer = new TcpPeer(entrance);
    peer.run(
        """
        import resource
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        def udp(address='127.0.0.1', port=None):
            s = socket(AF_INET6 if ':' in address else AF_INET, SOCK_DGRAM)
            s.settimeout(5)
            if port is not None: s.bind((address, port))
            return s
        def take(s, count):
            return sum(len(s.recv(65_535)) for i in range(count))
        def echo(s, count):
            for i in range(count):
                d, a = s.recvfrom(65_535)
                s.sendto(d, a)
        def drain(s):
            total = 0
            s.setblocking(False)
            try:
                while True: total += len(s.recv(65_535))
            except BlockingIOError:
                return total
        """);
    return peer;
  }
}
