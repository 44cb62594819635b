// SPDX-License-Identifier: Apache-2.0
/**
 * From addresses to identities: who has an address, as sources side by side tell it.
 *
 * <p>Inputs: what sources say through {@link io.meshlens.enrich.AddressClaims}, each on a thread of
 * its own. Outputs: {@link io.meshlens.flow.Identities}, for any thread, without lock or
 * allocation. It never guesses: what no source knows stays unknown. Nobody waits for a source.
 */
@NullMarked
package io.meshlens.enrich;

import org.jspecify.annotations.NullMarked;
