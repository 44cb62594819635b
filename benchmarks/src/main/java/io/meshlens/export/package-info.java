// SPDX-License-Identifier: Apache-2.0
/** Benchmarks of what the sidecar's package of this name keeps to itself. */
@NullMarked
package io.meshlens.export;

import org.jspecify.annotations.NullMarked;
