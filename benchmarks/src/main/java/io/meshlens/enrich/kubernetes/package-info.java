// SPDX-License-Identifier: Apache-2.0
/** Measures what is not public in the package of the same name. */
@NullMarked
package io.meshlens.enrich.kubernetes;

import org.jspecify.annotations.NullMarked;
