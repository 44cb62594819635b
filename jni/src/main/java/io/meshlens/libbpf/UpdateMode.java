// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/** When {@link BpfMap#update} may write. */
public enum UpdateMode {
  /** Always. */
  ANY(0),
  /** Only a key that is new. */
  CREATE(1),
  /** Only a key that exists. */
  REPLACE(2);

  /** The native's row number for the kernel's flag. */
  final int code;

  UpdateMode(int code) {
    this.code = code;
  }
}
