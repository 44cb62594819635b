// SPDX-License-Identifier: Apache-2.0
package io.meshlens.metrics;

import io.meshlens.flow.Address;
import io.meshlens.flow.Direction;
import io.meshlens.flow.Identity;

/** Client and server of connections that one side reports. */
record Ends(
    Direction reporter,
    Address client,
    Address server,
    int serverPort,
    Identity source,
    Identity destination) {}
