// SPDX-License-Identifier: Apache-2.0
/**
 * JMH benchmarks of what runs for every connection. Job: time and allocation per record. Inputs:
 * records in memory as the kernel lays them out. They need neither root nor a kernel program.
 */
@NullMarked
package io.meshlens.benchmarks;

import org.jspecify.annotations.NullMarked;
