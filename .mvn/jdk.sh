# Finds a JDK for Meseta and exports JAVA_HOME. Sourced by `mvnw` and `meseta`; POSIX sh.
#
# Order: JAVA_HOME, the javac in PATH, the folders where distributions, SDKMAN and IDEs put JDKs. The first JDK that is
# new enough wins. No process is started unless PATH must be asked, because the launcher runs this every time.
# Returns 1, after one line on stderr, when there is none.

meseta_java_minimum=25

# meseta_jdk_fits FOLDER: whether it holds a JDK (with javac) that is new enough, told by its `release` file
meseta_jdk_fits() {
  [ -x "$1/bin/javac" ] && [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
  meseta_release=
  while IFS= read -r meseta_line || [ -n "$meseta_line" ]; do
    case $meseta_line in
    JAVA_VERSION=*)
      meseta_release=${meseta_line#JAVA_VERSION=}
      break
      ;;
    esac
  done <"$1/release"
  meseta_release=${meseta_release#\"}
  meseta_release=${meseta_release%%[!0-9]*}
  [ -n "$meseta_release" ] && [ "$meseta_release" -ge "$meseta_java_minimum" ]
}

meseta_find_jdk() {
  if [ -n "${JAVA_HOME-}" ] && meseta_jdk_fits "$JAVA_HOME"; then
    return 0
  fi
  for meseta_candidate in \
    /usr/lib/jvm/* /usr/java/* /opt/* /opt/java/* \
    "${HOME-}"/.sdkman/candidates/java/* "${HOME-}"/.jdks/* "${HOME-}"/.local/share/mise/installs/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home "${HOME-}"/Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if meseta_jdk_fits "$meseta_candidate"; then
      JAVA_HOME=$meseta_candidate
      return 0
    fi
  done
  return 1
}

# The same for the javac in PATH, which may be reached by links.
meseta_path_jdk() {
  meseta_javac=$(command -v javac) || return 1
  meseta_javac=$(readlink -f "$meseta_javac" 2>/dev/null) || return 1
  meseta_candidate=${meseta_javac%/bin/javac}
  meseta_jdk_fits "$meseta_candidate" || return 1
  JAVA_HOME=$meseta_candidate
}

if meseta_find_jdk || meseta_path_jdk; then
  export JAVA_HOME
else
  echo "Meseta needs a JDK $meseta_java_minimum or newer (with javac): install one, such as Temurin from https://adoptium.net or a package like openjdk-$meseta_java_minimum-jdk, or set JAVA_HOME to it." >&2
  return 1
fi
