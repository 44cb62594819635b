// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.libbpf.BpfException;
import io.meshlens.libbpf.BpfIterator;
import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfObject;
import java.nio.file.Path;
import java.util.Collection;

/**
 * Takes over the sockets that are older than the programs, once, after these are attached.
 *
 * <p>Connections are found in one network namespace after the other. Who listens where, and then
 * their owners, are found by looking at the files of every process that this one can see.
 */
final class Adoption {
  private final BpfObject object;

  Adoption(BpfObject object) {
    this.object = object;
  }

  /**
   * Adopts what there is.
   *
   * @param namespaces files of network namespaces other than our own
   * @return how many of them could not be entered
   */
  int run(Collection<Path> namespaces) {
    int refused = 0;
    try (BpfLink connections = object.attachIterator("adopt_connections");
        BpfLink owners = object.attachIterator("adopt_owners")) {
      drain(BpfIterator.open(owners));
      drain(BpfIterator.open(connections));
      for (Path namespace : namespaces) {
        try {
          drain(BpfIterator.open(connections, namespace));
        } catch (BpfException e) {
          refused++;
        }
      }
      drain(BpfIterator.open(owners));
    }
    return refused;
  }

  private void drain(BpfIterator iterator) {
    try (iterator) {
      iterator.run();
    }
  }
}
