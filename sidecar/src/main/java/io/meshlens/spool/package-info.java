// SPDX-License-Identifier: Apache-2.0
/**
 * Where encoded records wait for delivery: in memory or on disk, bounded either way.
 *
 * <p>Inputs: batches of one protocol, on a spool-writer thread. Outputs: the same batches in order,
 * on an export thread, which says whether they were delivered. Knows neither protocols nor
 * receivers; every batch is delivered, or waiting, or reported as lost with a cause. Owner threads:
 * see {@link io.meshlens.spool.Spool}.
 */
@NullMarked
package io.meshlens.spool;

import org.jspecify.annotations.NullMarked;
