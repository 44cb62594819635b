// SPDX-License-Identifier: Apache-2.0
package io.meshlens.export;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * The files of a TLS client.
 *
 * @param authorities who may vouch for the receiver; empty for those of the Java runtime
 * @param chain our certificate; with {@code key}, or neither
 */
public record TlsFiles(Optional<Path> authorities, Optional<Path> chain, Optional<Path> key) {
  public static final TlsFiles NONE =
      new TlsFiles(Optional.empty(), Optional.empty(), Optional.empty());

  private static final Pattern PRIVATE_KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----");

  /** What was in the files. */
  record Loaded(Optional<List<TrustManager>> trust, Optional<List<KeyManager>> keys) {
    SSLContext context() throws GeneralSecurityException {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          keys.map(k -> k.toArray(new KeyManager[0])).orElse(null),
          trust.map(t -> t.toArray(new TrustManager[0])).orElse(null),
          null);
      return context;
    }
  }

  /** By which a change of the files is noticed; the target of a link counts, not the link. */
  record Stamp(List<String> parts) {}

  /**
   * What keeps the files from being used; nothing when they can be.
   *
   * @param setting the prefix of the settings that name them
   */
  public List<String> problems(String setting) {
    List<String> problems = new ArrayList<>();
    if (chain.isPresent() != key.isPresent()) {
      problems.add(
          "%s.cert_file and %s.key_file belong together: set both or neither"
              .formatted(setting, setting));
    }
    authorities.ifPresent(
        file -> check(setting + ".ca_file", file, () -> certificates(file), problems));
    chain.ifPresent(
        file -> check(setting + ".cert_file", file, () -> certificates(file), problems));
    key.ifPresent(file -> check(setting + ".key_file", file, () -> privateKey(file), problems));
    if (problems.isEmpty() && chain.isPresent() && key.isPresent()) {
      check(setting + ".key_file", key.get(), this::keyManagers, problems);
    }
    return problems;
  }

  private interface Reading {
    Object read() throws IOException, GeneralSecurityException;
  }

  private static void check(String setting, Path file, Reading reading, List<String> problems) {
    try {
      reading.read();
    } catch (NoSuchFileException e) {
      problems.add(setting + ": " + file + ": no such file");
    } catch (IOException | GeneralSecurityException e) {
      problems.add(setting + ": " + file + ": " + e.getMessage());
    }
  }

  Loaded load() throws IOException, GeneralSecurityException {
    return new Loaded(
        authorities.isPresent() ? Optional.of(trustManagers()) : Optional.empty(),
        chain.isPresent() ? Optional.of(keyManagers()) : Optional.empty());
  }

  Stamp stamp() {
    return new Stamp(
        Stream.of(authorities, chain, key).flatMap(Optional::stream).map(TlsFiles::stamp).toList());
  }

  private static String stamp(Path file) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return attributes.fileKey() + " " + attributes.lastModifiedTime() + " " + attributes.size();
    } catch (IOException e) {
      return "unreadable";
    }
  }

  private static List<X509Certificate> certificates(Path file)
      throws IOException, GeneralSecurityException {
    String expectation = "expected PEM (-----BEGIN CERTIFICATE-----)";
    List<X509Certificate> certificates = new ArrayList<>();
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        certificates.add((X509Certificate) each);
      }
    } catch (CertificateException e) {
      throw new IOException("is no certificate: " + e.getMessage() + "; " + expectation, e);
    }
    if (certificates.isEmpty()) {
      throw new IOException("has no certificate; " + expectation);
    }
    return certificates;
  }

  private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
    Matcher pem = PRIVATE_KEY.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
    if (!pem.find()) {
      throw new IOException(
          "has no unencrypted PKCS #8 key (-----BEGIN PRIVATE KEY-----); convert it with:"
              + " openssl pkcs8 -topk8 -nodes");
    }
    PKCS8EncodedKeySpec encoded;
    try {
      encoded = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1)));
    } catch (IllegalArgumentException e) {
      throw new IOException("is no private key in PEM form: " + e.getMessage(), e);
    }
    for (String algorithm : List.of("EC", "RSA", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
      } catch (InvalidKeySpecException e) {
        // The key tells its algorithm only to those who know it.
      }
    }
    throw new IOException("is no private key of RSA, an elliptic curve or EdDSA");
  }

  private List<TrustManager> trustManagers() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    int number = 0;
    for (X509Certificate certificate : certificates(authorities.orElseThrow())) {
      store.setCertificateEntry("authority-" + number++, certificate);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return List.of(factory.getTrustManagers());
  }

  private List<KeyManager> keyManagers() throws IOException, GeneralSecurityException {
    List<X509Certificate> certificates = certificates(chain.orElseThrow());
    PrivateKey privateKey = privateKey(key.orElseThrow());
    requirePair(certificates.getFirst().getPublicKey(), privateKey);
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    char[] none = new char[0];
    store.setKeyEntry("client", privateKey, none, certificates.toArray(new X509Certificate[0]));
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, none);
    return List.of(factory.getKeyManagers());
  }

  /** Else the mistake would be found by the receiver, in words that do not name it. */
  private static void requirePair(PublicKey publicKey, PrivateKey privateKey)
      throws IOException, GeneralSecurityException {
    String algorithm =
        switch (privateKey.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> privateKey.getAlgorithm();
        };
    byte[] probe = {1, 2, 3};
    boolean pair;
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(privateKey);
      signature.update(probe);
      byte[] signed = signature.sign();
      signature.initVerify(publicKey);
      signature.update(probe);
      pair = signature.verify(signed);
    } catch (InvalidKeyException | SignatureException e) {
      pair = false;
    }
    if (!pair) {
      throw new IOException("is not the key of the certificate");
    }
  }
}
