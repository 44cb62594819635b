// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What to load and where to attach it.
 *
 * @param object the built kernel programs
 * @param cgroup cgroup v2 directory whose sockets are watched; empty for the root of the mount
 * @param ringSizeBytes size of the record ring, a power of two
 * @param maxAddressPairs rows of the kernel's map of sums
 */
public record KernelConfig(
    Path object, Optional<Path> cgroup, int ringSizeBytes, int maxAddressPairs) {}
