// SPDX-License-Identifier: Apache-2.0
package io.meshlens.cli;

import java.lang.reflect.Proxy;

/**
 * SIGHUP, by the JDK's only interface to signals, sun.misc.Signal. It is looked up at run time,
 * because the compiler warns of every mention of it and can be kept from it by nothing.
 */
final class Hangup {
  private Hangup() {}

  /**
   * Runs an action for each signal, in a thread of the JVM's, in place of the end of the program.
   */
  static void run(Runnable action) throws ReflectiveOperationException {
    Class<?> signal = Class.forName("sun.misc.Signal");
    Class<?> handler = Class.forName("sun.misc.SignalHandler");
    Object proxy =
        Proxy.newProxyInstance(
            handler.getClassLoader(),
            new Class<?>[] {handler},
            (self, method, arguments) -> {
              if (method.getName().equals("handle")) {
                action.run();
                return null;
              }
              return method.invoke(action, arguments);
            });
    signal
        .getMethod("handle", signal, handler)
        .invoke(null, signal.getConstructor(String.class).newInstance("HUP"), proxy);
  }
}
