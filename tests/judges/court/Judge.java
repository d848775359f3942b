/* SPDX-License-Identifier: Apache-2.0 */
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.PKIXRevocationChecker.Option;
import java.security.cert.X509CertSelector;
import java.util.EnumSet;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/* One JVM for all cases: starting it takes longer than judging.
 * java Judge.java ROOT.pem; then a line "MODE PORT" on standard input gives a line "A", or "R" and
 * why. MODE is default (revocation off), soft or hard (PKIXRevocationChecker, end entity only). */
public class Judge {
    private static final int LIMIT_MS = 10000;

    public static void main(String[] args) throws Exception {
        KeyStore roots = KeyStore.getInstance(KeyStore.getDefaultType());
        roots.load(null, null);
        try (FileInputStream in = new FileInputStream(args[0])) {
            roots.setCertificateEntry(
                "root", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        BufferedReader cases = new BufferedReader(new InputStreamReader(System.in));
        String line;
        System.out.println(System.getProperty("java.version"));
        while ((line = cases.readLine()) != null) {
            String[] words = line.split(" ");
            System.out.println(judge(roots, words[0], Integer.parseInt(words[1])));
            System.out.flush();
        }
    }

    private static TrustManagerFactory managers(KeyStore roots, String mode) throws Exception {
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        if (mode.equals("default")) {
            factory.init(roots);
            return factory;
        }
        PKIXRevocationChecker checker = (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX")
            .getRevocationChecker();
        EnumSet<Option> options = EnumSet.of(Option.ONLY_END_ENTITY, Option.NO_FALLBACK);
        if (mode.equals("soft")) {
            options.add(Option.SOFT_FAIL);
        }
        checker.setOptions(options);
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(roots, new X509CertSelector());
        parameters.addCertPathChecker(checker);
        factory.init(new CertPathTrustManagerParameters(parameters));
        return factory;
    }

    private static String judge(KeyStore roots, String mode, int port) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers(roots, mode).getTrustManagers(), null);
            try (Socket plain = new Socket()) {
                InetAddress here = InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1});
                plain.connect(new InetSocketAddress(here, port), LIMIT_MS);
                plain.setSoTimeout(LIMIT_MS);
                return talk((SSLSocket) context.getSocketFactory()
                    .createSocket(plain, "localhost", port, true));
            }
        } catch (Exception fault) {
            return "R " + why(fault);
        }
    }

    private static String talk(SSLSocket socket) throws Exception {
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        socket.getOutputStream().write(
            "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] head = socket.getInputStream().readNBytes(12);
        socket.close();
        String said = new String(head, StandardCharsets.US_ASCII);
        return said.endsWith(" 200") ? "A" : "R no page: " + said.trim();
    }

    private static String why(Throwable fault) {
        Throwable last = fault;
        while (last.getCause() != null) {
            last = last.getCause();
        }
        return (last.getClass().getSimpleName() + ": " + last.getMessage()).replaceAll("\\s+", " ");
    }
}
