package org.ttame.cli.serve;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.ttame.core.Text;
import org.ttame.core.provenance.Sha256;

/**
 * Who may ask. Another site's page in the user's browser may not: its {@code Origin} is refused, as
 * is, where there is no token, a {@code Host} that is not this machine's (a name that was rebound
 * to it).
 */
final class Access {
  private static final String SCHEME = "bearer ";

  private final String host;
  private final Optional<byte[]> token;

  /**
   * The rule of a server that listens at a host, with the token that requests must carry, if any.
   */
  Access(String host, Optional<String> token) {
    this.host = bare(host);
    this.token = token.map(Access::digest);
  }

  /** Whether an address is this machine's alone. */
  static boolean isLoopback(String host) throws UnknownHostException {
    for (InetAddress address : InetAddress.getAllByName(bare(host))) {
      if (!address.isLoopbackAddress()) {
        return false;
      }
    }
    return true;
  }

  /** Refuses another site's page. */
  void requireSameSite(Request request) {
    String asked = request.getHttpURI().getHost();
    String name = asked == null ? "" : bare(asked);
    if (token.isEmpty() && !name.equals(host) && !isLocalName(name)) {
      throw new Problem(
          403,
          Text.format(
              "This server is not known as '%s'; use the address %s",
              name, host.contains(":") ? "[" + host + "]" : host));
    }
    HttpFields headers = request.getHeaders();
    String origin = headers.get(HttpHeader.ORIGIN);
    String authority = headers.get(HttpHeader.HOST);
    boolean crossSite = "cross-site".equals(headers.get("Sec-Fetch-Site"));
    boolean foreign =
        origin != null
            && !origin.equalsIgnoreCase("http://" + authority)
            && !origin.equalsIgnoreCase("https://" + authority);
    boolean opened = "navigate".equals(headers.get("Sec-Fetch-Mode"));
    if (foreign || (crossSite && !opened)) {
      throw new Problem(403, "Requests from pages of other sites are not allowed");
    }
  }

  /** Refuses who does not know the token. */
  void requireToken(Request request) {
    if (token.isEmpty()) {
      return;
    }
    String given = request.getHeaders().get(HttpHeader.AUTHORIZATION);
    boolean known =
        given != null
            && given.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
            && MessageDigest.isEqual(digest(given.substring(SCHEME.length()).strip()), token.get());
    if (!known) {
      throw new Problem(
          401,
          "The token is missing or wrong; send it as 'Authorization: Bearer TOKEN'",
          Map.of(HttpHeader.WWW_AUTHENTICATE.asString(), "Bearer realm=\"ttame\""));
    }
  }

  private static boolean isLocalName(String name) {
    return name.equals("localhost") || name.equals("::1") || name.matches("127(\\.\\d{1,3}){3}");
  }

  private static String bare(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length() - 1) : name;
  }

  /** Of one length, so that comparing takes the same time for every token. */
  private static byte[] digest(String text) {
    return Sha256.of(text.getBytes(StandardCharsets.UTF_8)).getBytes(StandardCharsets.US_ASCII);
  }
}
