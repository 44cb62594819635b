// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import io.meshlens.enrich.IdentitySource;
import io.meshlens.enrich.Naming.ContainerUse;
import io.meshlens.enrich.kubernetes.KubernetesConfig;
import io.meshlens.enrich.xds.DiscoveryConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Who is asked whose an address is.
 *
 * @param precedence the source that is believed first in front, also those that are off
 * @param remember how long an owner is remembered that has lost its address
 * @param rememberMost how many of them for each source
 */
record IdentityConfig(
    List<IdentitySource> precedence,
    Duration remember,
    int rememberMost,
    Optional<KubernetesConfig> kubernetes,
    Optional<DiscoveryConfig> istio,
    Optional<Path> staticFile,
    ContainerUse containers) {}
