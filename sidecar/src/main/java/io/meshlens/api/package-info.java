// SPDX-License-Identifier: Apache-2.0
/**
 * What others may ask the running program: metrics, health and readiness over HTTP. Read-only.
 *
 * <p>Owner threads: a small pool made in {@code app}; handlers only read snapshots.
 */
@NullMarked
package io.meshlens.api;

import org.jspecify.annotations.NullMarked;
