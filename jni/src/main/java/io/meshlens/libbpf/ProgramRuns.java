// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

/**
 * What the kernel has counted of a program.
 *
 * @param runs on all processors
 * @param runTimeNs of all those runs together
 */
public record ProgramRuns(long runs, long runTimeNs) {}
