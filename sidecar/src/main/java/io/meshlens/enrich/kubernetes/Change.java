// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.kubernetes;

/** What a list or a watch of one kind of object tells. */
sealed interface Change {
  Resource resource();

  /** A list begins. */
  record ListBegun(Resource resource) implements Change {}

  /** An object is there, new or changed. */
  record Found(Resource resource, Seen object) implements Change {}

  /** An object is there no more. */
  record Gone(Resource resource, String namespace, String name) implements Change {}

  /** The list was whole: what it did not hold since its beginning is there no more. */
  record ListEnded(Resource resource) implements Change {}
}
