package org.ttame.testing;

import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;
import org.ttame.core.engine.NativeBinary;

/** Makes every test JVM load the native build that fits the processor, as the command does. */
public final class NativeSessionListener implements LauncherSessionListener {
  @Override
  public void launcherSessionOpened(LauncherSession session) {
    NativeBinary.select();
  }
}
