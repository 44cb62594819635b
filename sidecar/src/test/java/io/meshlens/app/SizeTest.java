// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * Caps on what a reader has to hold in mind at once; size-exceptions.txt says who may be longer.
 */
class SizeTest {
  private static final int FILE_LINES = 400;
  private static final int METHOD_LINES = 60;
  private static final Path ROOT = Path.of("..");

  @Test
  void noSourceFileIsLongerThanTheCapUnlessListedWithAReason() throws IOException {
    List<String> tooLong = new ArrayList<>();
    for (Path file : sources(".java", ".c", ".h")) {
      long lines = lines(file);
      if (lines > FILE_LINES) {
        tooLong.add(ROOT.relativize(file).toString());
      }
    }

    assertThat(tooLong).containsExactlyInAnyOrderElementsOf(exceptions().keySet());
  }

  @Test
  void everyExceptionHasAReason() throws IOException {
    assertThat(exceptions().values()).allMatch(reason -> reason.length() > 20);
  }

  @Test
  void noMethodIsLongerThanTheCap() throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<String> tooLong = new ArrayList<>();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, UTF_8)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null,
                  files,
                  null,
                  null,
                  null,
                  files.getJavaFileObjectsFromPaths(sources(".java")));
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      for (CompilationUnitTree unit : task.parse()) {
        new TreePathScanner<Void, Void>() {
          @Override
          public Void visitMethod(MethodTree method, Void unused) {
            long from = line(positions.getStartPosition(unit, method));
            long lines = line(positions.getEndPosition(unit, method)) - from + 1;
            if (lines > METHOD_LINES) {
              tooLong.add(
                  "%s:%d %s has %d lines"
                      .formatted(unit.getSourceFile().getName(), from, method.getName(), lines));
            }
            return super.visitMethod(method, null);
          }

          private long line(long position) {
            return unit.getLineMap().getLineNumber(position);
          }
        }.scan(unit, null);
      }
    }

    assertThat(tooLong).isEmpty();
  }

  private static List<Path> sources(String... suffixes) throws IOException {
    List<Path> found = new ArrayList<>();
    for (String room : List.of("bpf", "jni", "sidecar", "benchmarks")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(room))) {
        files
            .filter(file -> !file.toString().contains("/src/test/"))
            .filter(file -> Stream.of(suffixes).anyMatch(file.toString()::endsWith))
            .filter(file -> Stream.of("target", "build").noneMatch(made -> holds(file, made)))
            .forEach(found::add);
      }
    }
    assertThat(found).isNotEmpty();
    return found;
  }

  private static boolean holds(Path file, String directory) {
    return Stream.iterate(file, Path::getParent)
        .takeWhile(path -> path != null)
        .anyMatch(path -> path.endsWith(directory));
  }

  private static long lines(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, String> exceptions() throws IOException {
    return Files.readAllLines(Path.of("src/test/resources/io/meshlens/app/size-exceptions.txt"))
        .stream()
        .filter(line -> !line.startsWith("#") && !line.isBlank())
        .map(line -> Splitter.on(": ").limit(2).splitToList(line))
        .collect(Collectors.toMap(List::getFirst, List::getLast));
  }
}
