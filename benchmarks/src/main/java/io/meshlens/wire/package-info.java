// SPDX-License-Identifier: Apache-2.0
/** The layout table of the sidecar's package of the same name, opened for the benchmarks. */
@NullMarked
package io.meshlens.wire;

import org.jspecify.annotations.NullMarked;
