// SPDX-License-Identifier: Apache-2.0
/**
 * The composition root: which settings exist, how the rooms are joined, which threads run, and in
 * which order everything stops.
 */
@NullMarked
package io.meshlens.app;

import org.jspecify.annotations.NullMarked;
