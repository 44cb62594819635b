// SPDX-License-Identifier: Apache-2.0
/**
 * Identities from a control plane that speaks Istio's workload discovery, as ztunnel and Kmesh use
 * it: Envoy's delta discovery of {@code istio.workload.Address}.
 *
 * <p>Input: one gRPC stream. Output: {@link io.meshlens.enrich.AddressClaims}, and notes of
 * readiness. Owner thread: identity-istio, which also runs gRPC's callbacks; so nothing here is
 * locked. With {@code export} and {@code api} the only room that knows generated protocol types,
 * because they are what it reads.
 */
@NullMarked
package io.meshlens.enrich.xds;

import org.jspecify.annotations.NullMarked;
