// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Loads {@code libmeshlens_jni.so}, once per process.
 *
 * <p>Looked for in this order: the path in system property {@value #LIBRARY_PROPERTY}; {@code
 * lib/libmeshlens_jni.so} under the directory in system property {@value #HOME_PROPERTY}; {@code
 * /opt/meshlens/lib/libmeshlens_jni.so}.
 */
public final class NativeLibrary {
  /** System property: the library's own path. */
  public static final String LIBRARY_PROPERTY = "meshlens.native.library";

  /** System property: the directory meshlens is installed in. */
  public static final String HOME_PROPERTY = "meshlens.home";

  /** Bump together with MESHLENS_JNI_ABI_VERSION whenever a native's name or meaning changes. */
  private static final int ABI_VERSION = 2;

  private static final String FILE_NAME = "libmeshlens_jni.so";
  private static final Path IMAGE_PATH = Path.of("/opt/meshlens/lib", FILE_NAME);

  private static volatile boolean loaded;

  private NativeLibrary() {}

  /**
   * Loads the library unless that has been done.
   *
   * @throws NativeLibraryException if no candidate could be loaded; a later call tries again
   */
  public static void load() {
    if (!loaded) {
      loadOnce();
    }
  }

  static boolean isLoaded() {
    return loaded;
  }

  private static synchronized void loadOnce() {
    if (!loaded) {
      loadFirst(candidates(System.getProperties()), path -> System.load(path.toString()));
      loaded = true;
    }
  }

  static List<Path> candidates(Properties properties) {
    List<Path> candidates = new ArrayList<>();
    @Nullable String library = properties.getProperty(LIBRARY_PROPERTY);
    if (library != null && !library.isBlank()) {
      candidates.add(Path.of(library).toAbsolutePath());
    }
    @Nullable String home = properties.getProperty(HOME_PROPERTY);
    if (home != null && !home.isBlank()) {
      candidates.add(Path.of(home, "lib", FILE_NAME).toAbsolutePath());
    }
    candidates.add(IMAGE_PATH);
    return candidates;
  }

  /** Loads the first candidate that can be loaded and speaks our ABI. */
  static void loadFirst(List<Path> candidates, Consumer<Path> loader) {
    StringBuilder attempts = new StringBuilder("cannot load the native library; tried:");
    for (Path candidate : candidates) {
      String failure = attempt(candidate, loader);
      if (failure.isEmpty()) {
        return;
      }
      attempts.append("\n  ").append(candidate).append(": ").append(failure);
    }
    throw new NativeLibraryException(attempts.toString());
  }

  /** Returns an empty text, or why it failed and what to do. */
  private static String attempt(Path candidate, Consumer<Path> loader) {
    if (!Files.exists(candidate)) {
      return "no such file (set -D" + LIBRARY_PROPERTY + "=<path of " + FILE_NAME + ">)";
    }
    try {
      loader.accept(candidate);
      int found = abiVersion0();
      return found == ABI_VERSION
          ? ""
          : "ABI version is "
              + found
              + ", expected "
              + ABI_VERSION
              + " (install the library built together with this jar)";
    } catch (LinkageError e) {
      return e.getMessage() + remedy(String.valueOf(e.getMessage()));
    }
  }

  private static String remedy(String cause) {
    if (cause.contains("libbpf.so") || cause.contains("libbpf ") || cause.contains("symbol")) {
      return " (install libbpf 1.1 or newer: apt install libbpf1, or dnf install libbpf)";
    }
    if (cause.contains("libelf") || cause.contains("libz.so")) {
      return " (install what libbpf needs: apt install libelf1 zlib1g)";
    }
    return " (is it built for this machine and this version?)";
  }

  private static native int abiVersion0();
}
