// SPDX-License-Identifier: Apache-2.0
/**
 * The command line: arguments, output for people, exit codes. The only room that reads the
 * environment or ends the process.
 */
@NullMarked
package io.meshlens.cli;

import org.jspecify.annotations.NullMarked;
