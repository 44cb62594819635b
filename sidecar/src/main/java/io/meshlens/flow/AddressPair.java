// SPDX-License-Identifier: Apache-2.0
package io.meshlens.flow;

/**
 * What sums are kept for.
 *
 * @param error positive errno of failed connections, 0 for all others and for aborted ones
 */
public record AddressPair(
    Direction direction, Address client, Address server, int serverPort, int error) {}
