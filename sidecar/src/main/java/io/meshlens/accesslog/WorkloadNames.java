// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import io.meshlens.flow.Identity;

/** Names as Kmesh and ztunnel choose them for their lines. */
final class WorkloadNames {
  private WorkloadNames() {}

  /** Both call a pod's name the workload. */
  static String podOrWorkload(Identity identity) {
    return identity.pod().isEmpty() ? identity.workload() : identity.pod();
  }

  /** Both call a service by its host name. */
  static String hostOrService(Identity identity) {
    return identity.serviceHost().isEmpty() ? identity.service() : identity.serviceHost();
  }
}
