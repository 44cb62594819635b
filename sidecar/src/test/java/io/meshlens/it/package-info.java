// SPDX-License-Identifier: Apache-2.0
/**
 * The installed program on the real kernel: real sockets, real servers, and ground truth from the
 * applications' own counts or from a second tool.
 */
@NullMarked
package io.meshlens.it;

import org.jspecify.annotations.NullMarked;
