// SPDX-License-Identifier: Apache-2.0
/**
 * Identities from the Kubernetes API: pods, services, endpoint slices, nodes and namespaces are
 * listed, watched and reduced to who has which address.
 *
 * <p>Inputs: the API server, one list or watch for each kind of object, each on a thread of its
 * own. Outputs: {@link io.meshlens.enrich.TimedClaims}, said by the thread identity-kubernetes. It
 * writes nothing to the API and never waits for a reader of identities.
 */
@NullMarked
package io.meshlens.enrich.kubernetes;

import org.jspecify.annotations.NullMarked;
