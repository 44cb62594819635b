// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel side: what the kernel can do, loading and attaching the programs, reading the ring and
 * the sums, and turning wire bytes into {@code flow} values.
 *
 * <p>Owner threads: the ring and its scratch connection belong to ring-reader; {@link
 * io.meshlens.kernel.SumsReader} may be asked by any thread. Nothing here formats, exports or waits
 * for anybody.
 */
@NullMarked
package io.meshlens.kernel;

import org.jspecify.annotations.NullMarked;
