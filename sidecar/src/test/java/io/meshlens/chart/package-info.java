// SPDX-License-Identifier: Apache-2.0

/**
 * Tests of the Helm chart in {@code charts/meshlens}.
 *
 * <p>Job: render the chart with the real Helm and hold the result to what the chart promises: the
 * golden files, the privileges of the DaemonSet, the strictness of the values, the configuration
 * file. Inputs: the chart directory. Outputs: none, but the golden files under {@code
 * -Dgolden.update=true}. What an API server makes of the golden files is the matter of {@code
 * scripts/kubernetes-test.sh}; nothing here needs a cluster, root or the network.
 */
@NullMarked
package io.meshlens.chart;

import org.jspecify.annotations.NullMarked;
