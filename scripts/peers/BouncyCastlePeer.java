import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.crypto.spec.SecretKeySpec;

import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.CCMParameters;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.GCMParameters;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.RSAESOAEPparams;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Bouncy Castle as a peer of our tests. One request a line on standard input, fields separated by tabs;
 * one line of answer each: "ok", or "failed" and why.
 *
 *   seal CIPHER TRANSPORT RECIPIENT IN OUT      RECIPIENT: a certificate, a passphrase, or KEY-ID:KEY in hexadecimal
 *   open TRANSPORT KEY IN OUT                   KEY: PKCS#8 in DER, a passphrase, or KEY-ID:KEY
 *   sign SCHEME KEY CERTIFICATE IN OUT          attached, with signed attributes
 *   verify ROOT IN OUT                          the certificate inside must be issued by ROOT
 *   compress IN OUT
 *   decompress IN OUT
 */
public class BouncyCastlePeer {
    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
        "des-ede3-cbc", CMSAlgorithm.DES_EDE3_CBC,
        "aes-128-cbc", CMSAlgorithm.AES128_CBC,
        "aes-192-cbc", CMSAlgorithm.AES192_CBC,
        "aes-256-cbc", CMSAlgorithm.AES256_CBC,
        "aes-128-gcm", CMSAlgorithm.AES128_GCM,
        "aes-256-gcm", CMSAlgorithm.AES256_GCM,
        "aes-128-ccm", CMSAlgorithm.AES128_CCM,
        "aes-256-ccm", CMSAlgorithm.AES256_CCM,
        "chacha20-poly1305", PKCSObjectIdentifiers.id_alg_AEADChaCha20Poly1305);

    private static final Map<String, String> SCHEMES = Map.of(
        "rsa-sha256", "SHA256withRSA",
        "rsa-sha512", "SHA512withRSA",
        "pss-sha256", "SHA256withRSAandMGF1",
        "ecdsa-sha256", "SHA256withECDSA",
        "ecdsa-sha384", "SHA384withECDSA",
        "ecdsa-sha512", "SHA512withECDSA",
        "ed25519", "Ed25519");

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String answer = "ok";
            try {
                answer(line.split("\t"));
            } catch (Throwable reason) {
                answer = ("failed " + reason).replaceAll("\\s+", " ");
            }
            System.out.println(answer);
            System.out.flush();
        }
    }

    private static void answer(String[] field) throws Exception {
        byte[] in = Files.readAllBytes(Path.of(field[field.length - 2]));
        Path out = Path.of(field[field.length - 1]);
        byte[] result = switch (field[0]) {
            case "seal" -> seal(field[1], recipient(field[2], field[3]), in);
            case "open" -> open(field[1], field[2], in);
            case "sign" -> sign(SCHEMES.get(field[1]), key(field[2]), certificate(field[3]), in);
            case "verify" -> verify(certificate(field[1]), in);
            case "compress" -> new CMSCompressedDataGenerator()
                .generate(new CMSProcessableByteArray(in), new ZlibCompressor()).getEncoded();
            case "decompress" -> new CMSCompressedData(in).getContent(new ZlibExpanderProvider());
            default -> throw new IllegalArgumentException("unknown request " + field[0]);
        };
        Files.write(out, result);
    }

    private static byte[] seal(String cipher, RecipientInfoGenerator recipient, byte[] content) throws Exception {
        CMSTypedData data = new CMSProcessableByteArray(content);
        OutputEncryptor encryptor = encryptor(cipher);
        if (encryptor instanceof OutputAEADEncryptor authenticated) {
            CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
            generator.addRecipientInfoGenerator(recipient);
            return generator.generate(data, authenticated).getEncoded();
        }
        CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
        generator.addRecipientInfoGenerator(recipient);
        return generator.generate(data, encryptor).getEncoded();
    }

    /** A name of CIPHERS, or for GCM and CCM one with the length of the tag behind it: "aes-256-gcm/12". */
    private static OutputEncryptor encryptor(String cipher) throws Exception {
        String name = cipher.split("/")[0];
        JceCMSContentEncryptorBuilder builder = new JceCMSContentEncryptorBuilder(CIPHERS.get(name)).setProvider("BC");
        if (cipher.contains("/")) {
            int tagLength = Integer.parseInt(cipher.split("/")[1]);
            byte[] nonce = new byte[12];
            new SecureRandom().nextBytes(nonce);
            boolean counter = name.endsWith("ccm");
            AlgorithmParameters parameters = AlgorithmParameters.getInstance(counter ? "CCM" : "GCM", "BC");
            // A tag of 12 octets is the default of RFC 5084 and left out by DER.
            parameters.init(counter
                ? new CCMParameters(nonce, tagLength).getEncoded()
                : new GCMParameters(nonce, tagLength).getEncoded());
            builder.setAlgorithmParameters(parameters);
        }
        return builder.build();
    }

    private static RecipientInfoGenerator recipient(String transport, String recipient) throws Exception {
        return switch (transport) {
            case "pkcs1" -> new JceKeyTransRecipientInfoGenerator(certificate(recipient)).setProvider("BC");
            case "oaep-sha1" -> oaep(certificate(recipient), new AlgorithmIdentifier(OIWObjectIdentifiers.idSHA1));
            case "oaep-sha256" -> oaep(certificate(recipient), new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256));
            case "agreement-sha1" -> agreement(CMSAlgorithm.ECDH_SHA1KDF, certificate(recipient));
            case "agreement-sha256" -> agreement(CMSAlgorithm.ECDH_SHA256KDF, certificate(recipient));
            case "agreement-sha384" -> agreement(CMSAlgorithm.ECDH_SHA384KDF, certificate(recipient));
            case "agreement-sha512" -> agreement(CMSAlgorithm.ECDH_SHA512KDF, certificate(recipient));
            case "passphrase" -> new JcePasswordRecipientInfoGenerator(CMSAlgorithm.AES256_CBC, recipient.toCharArray())
                .setProvider("BC");
            case "key" -> new JceKEKRecipientInfoGenerator(hex(recipient, 0), new SecretKeySpec(hex(recipient, 1), "AES"))
                .setProvider("BC");
            default -> throw new IllegalArgumentException("unknown transport " + transport);
        };
    }

    private static RecipientInfoGenerator oaep(X509Certificate certificate, AlgorithmIdentifier digest) throws Exception {
        RSAESOAEPparams parameters = new RSAESOAEPparams(
            digest,
            new AlgorithmIdentifier(PKCSObjectIdentifiers.id_mgf1, digest),
            RSAESOAEPparams.DEFAULT_P_SOURCE_ALGORITHM);
        return new JceKeyTransRecipientInfoGenerator(
            certificate, new AlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP, parameters)).setProvider("BC");
    }

    private static RecipientInfoGenerator agreement(ASN1ObjectIdentifier scheme, X509Certificate certificate) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(((java.security.interfaces.ECPublicKey) certificate.getPublicKey()).getParams());
        KeyPair ephemeral = generator.generateKeyPair();
        return new JceKeyAgreeRecipientInfoGenerator(
            scheme, ephemeral.getPrivate(), ephemeral.getPublic(), CMSAlgorithm.AES256_WRAP)
            .addRecipient(certificate).setProvider("BC");
    }

    private static byte[] open(String transport, String key, byte[] sealed) throws Exception {
        boolean authenticated = ContentInfo.getInstance(sealed).getContentType()
            .equals(PKCSObjectIdentifiers.id_ct_authEnvelopedData);
        RecipientInformationStore recipients = authenticated
            ? new CMSAuthEnvelopedData(sealed).getRecipientInfos()
            : new CMSEnvelopedData(sealed).getRecipientInfos();
        Recipient opener = switch (transport) {
            case "passphrase" -> new JcePasswordEnvelopedRecipient(key.toCharArray()).setProvider("BC");
            case "key" -> new JceKEKEnvelopedRecipient(new SecretKeySpec(hex(key, 1), "AES")).setProvider("BC");
            case "pkcs1", "oaep-sha1", "oaep-sha256" -> authenticated
                ? new JceKeyTransAuthEnvelopedRecipient(key(key)).setProvider("BC")
                : new JceKeyTransEnvelopedRecipient(key(key)).setProvider("BC");
            default -> new JceKeyAgreeEnvelopedRecipient(key(key)).setProvider("BC");
        };
        return recipients.getRecipients().iterator().next().getContent(opener);
    }

    private static byte[] sign(String scheme, PrivateKey key, X509Certificate certificate, byte[] content) throws Exception {
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(
            new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build())
                .build(new JcaContentSignerBuilder(scheme).setProvider("BC").build(key), certificate));
        generator.addCertificates(new JcaCertStore(List.of(certificate)));
        return generator.generate(new CMSProcessableByteArray(content), true).getEncoded();
    }

    @SuppressWarnings("unchecked")
    private static byte[] verify(X509Certificate root, byte[] signed) throws Exception {
        CMSSignedData data = new CMSSignedData(signed);
        if (data.getSignerInfos().size() == 0) {
            throw new CMSException("no signer");
        }
        for (SignerInformation signer : data.getSignerInfos()) {
            X509CertificateHolder holder =
                (X509CertificateHolder) data.getCertificates().getMatches(signer.getSID()).iterator().next();
            X509Certificate certificate = certificate(holder.getEncoded());
            certificate.verify(root.getPublicKey(), "BC");
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate))) {
                throw new CMSException("bad signature");
            }
        }
        return (byte[]) data.getSignedContent().getContent();
    }

    private static X509Certificate certificate(String file) throws Exception {
        return certificate(Files.readAllBytes(Path.of(file)));
    }

    private static X509Certificate certificate(byte[] encoded) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", "BC")
            .generateCertificate(new ByteArrayInputStream(encoded));
    }

    private static PrivateKey key(String file) throws Exception {
        byte[] encoded = Files.readAllBytes(Path.of(file));
        String algorithm = PrivateKeyInfo.getInstance(encoded).getPrivateKeyAlgorithm().getAlgorithm().getId();
        return KeyFactory.getInstance(algorithm, "BC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
    }

    private static byte[] hex(String pair, int which) {
        return HexFormat.of().parseHex(pair.split(":")[which]);
    }
}
