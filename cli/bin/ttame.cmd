@echo off
rem ttame COMMAND [options]: starts the command of ttame-cli.jar, with an archive of classes where there is one.
rem   TTAME_JAR    the jar; else ttame-cli.jar beside this script, in ..\lib or in ..\target
rem   TTAME_CACHE  folder of the archive (%LOCALAPPDATA%\ttame)
rem   TTAME_JAVA   options for the JVM, e.g. -Xmx8g
rem   JAVA_HOME    the JVM; else java of the PATH
rem   ttame --archive-classes writes the archive, for this jar and this JVM: then commands start in half the time.
setlocal
set "jar=%TTAME_JAR%"
if not defined jar for %%P in ("%~dp0ttame-cli.jar" "%~dp0..\lib\ttame-cli.jar" "%~dp0..\target\ttame-cli.jar") do if not defined jar if exist "%%~fP" set "jar=%%~fP"
if not defined jar (
  echo ttame: there is no ttame-cli.jar beside %~f0; set TTAME_JAR to where it is 1>&2
  exit /b 1
)
set "java=java"
if defined JAVA_HOME set "java=%JAVA_HOME%\bin\java.exe"
if not defined TTAME_CACHE set "TTAME_CACHE=%LOCALAPPDATA%\ttame"
for %%J in ("%jar%") do set "archive=%TTAME_CACHE%\classes-%%~zJ.jsa"
if "%~1"=="--archive-classes" (
  if not exist "%TTAME_CACHE%\work" mkdir "%TTAME_CACHE%\work"
  "%java%" -Xlog:disable "-XX:ArchiveClassesAtExit=%archive%" -cp "%jar%" org.ttame.cli.ArchivedWork "%TTAME_CACHE%\work"
  rmdir /s /q "%TTAME_CACHE%\work"
  exit /b
)
if exist "%archive%" (
  "%java%" %TTAME_JAVA% "-XX:SharedArchiveFile=%archive%" -Xshare:auto -Xlog:disable -Xlog:all=warning,cds*=off,class+path*=off:stderr -jar "%jar%" %*
) else (
  "%java%" %TTAME_JAVA% -jar "%jar%" %*
)
