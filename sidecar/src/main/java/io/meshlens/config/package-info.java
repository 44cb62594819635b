// SPDX-License-Identifier: Apache-2.0
/**
 * Reads configuration: typed keys, four sources (flag, environment, file, default), and every
 * problem at once.
 *
 * <p>It knows no other package; which keys exist is {@code app}'s business.
 */
@NullMarked
package io.meshlens.config;

import org.jspecify.annotations.NullMarked;
