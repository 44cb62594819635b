// SPDX-License-Identifier: Apache-2.0
package io.meshlens.libbpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
  @TempDir Path directory;

  @Test
  void theExplicitPathComesFirstThenTheHomeThenTheImage() {
    Properties properties = new Properties();
    properties.setProperty("meshlens.native.library", "/a/b.so");
    properties.setProperty("meshlens.home", "/home/meshlens");

    assertThat(NativeLibrary.candidates(properties))
        .containsExactly(
            Path.of("/a/b.so"),
            Path.of("/home/meshlens/lib/libmeshlens_jni.so"),
            Path.of("/opt/meshlens/lib/libmeshlens_jni.so"));
    assertThat(NativeLibrary.candidates(new Properties()))
        .containsExactly(Path.of("/opt/meshlens/lib/libmeshlens_jni.so"));
  }

  @Test
  void aFailureListsEveryAttemptWithItsCause() throws IOException {
    Path text = Files.writeString(directory.resolve("text.so"), "not a library");
    Path missing = directory.resolve("missing.so");

    assertThatThrownBy(
            () ->
                NativeLibrary.loadFirst(
                    List.of(text, missing),
                    path -> {
                      throw new UnsatisfiedLinkError(path + ": invalid ELF header");
                    }))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContaining(": invalid ELF header (is it built for this machine")
        .hasMessageContaining(missing + ": no such file (set -Dmeshlens.native.library=");
  }

  @Test
  void aMissingLibbpfNamesThePackageToInstall() throws IOException {
    Path library = Files.createFile(directory.resolve("x.so"));

    assertThatThrownBy(
            () ->
                NativeLibrary.loadFirst(
                    List.of(library),
                    path -> {
                      throw new UnsatisfiedLinkError("libbpf.so.1: cannot open shared object");
                    }))
        .hasMessageContaining("libbpf.so.1: cannot open shared object")
        .hasMessageContaining("apt install libbpf1");
  }

  @Test
  void loadingTwiceAndFromManyThreadsIsHarmless() throws InterruptedException {
    Thread[] threads = new Thread[8];
    for (int i = 0; i < threads.length; i++) {
      threads[i] = Thread.ofPlatform().start(NativeLibrary::load);
    }
    for (Thread thread : threads) {
      thread.join();
    }

    NativeLibrary.load();
    assertThat(NativeLibrary.isLoaded()).isTrue();
  }
}
