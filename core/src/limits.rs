//! Every budget, with its name and its source. Nothing else in this library holds such a number.
//!
//! Hostile input is the normal case: each parser stops at its limit with an error that names it.

/// Nesting of ASN.1 constructions. Triple wrapping needs about 20.
pub const ASN1_DEPTH: usize = 40;
/// ASN.1 elements of one object, the content's own pieces not counted.
pub const ASN1_NODES: u32 = 300_000;
/// Octets of a length in the streaming layer: contents above 4 GiB exist.
pub const STREAM_LENGTH_OCTETS: usize = 8;
/// Octets of a length in small structures.
pub const STRUCTURE_LENGTH_OCTETS: usize = 4;
/// Bytes of one small structure (a certificate, a RecipientInfo, a set of attributes) in memory.
pub const STRUCTURE_BYTES: usize = 1 << 20;
/// Bytes of one certificate revocation list.
pub const REVOCATION_LIST_BYTES: usize = 10 << 20;
/// Distribution points and their names in one certificate, and in one revocation list.
pub const DISTRIBUTION_POINT_NAMES: usize = 50;
/// Bytes of one OCSP response: those of public CAs have less than 3000.
pub const OCSP_RESPONSE_BYTES: usize = 256 << 10;
/// Certificates that one OCSP response speaks of.
pub const OCSP_ANSWERS: usize = 100;
/// Certificates that one OCSP response brings.
pub const OCSP_CERTIFICATES: usize = 10;
/// Bytes of the nonce of an OCSP request (RFC 9654, section 2.1).
pub const OCSP_NONCE_BYTES: usize = 32;
/// Revocation lists, and OCSP responses, that are looked at of those which one message brings.
pub const MESSAGE_REVOCATIONS: usize = 50;
/// Bytes of one time stamp, the certificates of its authority included.
pub const TIME_STAMP_BYTES: usize = 256 << 10;
/// Time stamps of one signature that are looked at.
pub const TIME_STAMPS: usize = 4;
/// Bytes of the nonce of a request for a time stamp.
pub const TIME_STAMP_NONCE_BYTES: usize = 8;
/// Bytes of one object identifier.
pub const OBJECT_IDENTIFIER_BYTES: usize = 64;

/// RecipientInfos that are read.
pub const RECIPIENTS: usize = 20_000;
/// Bytes of all names of recipients together, which are kept for the error that lists them.
pub const RECIPIENT_NAME_BYTES: usize = 32 << 20;
/// Secret key operations that one message may cost where identifiers match.
pub const KEY_OPERATIONS_MATCHED: usize = 4;
/// Secret key operations that one message may cost where none matches and keys are tried.
pub const KEY_OPERATIONS_TRIED: usize = 16;
/// Signatures of one SignedData.
pub const SIGNERS: usize = 10;
/// Certificates that one message may bring.
pub const CERTIFICATES: usize = 200;
/// Bytes of all certificates that one message may bring.
pub const CERTIFICATES_BYTES: usize = 10 << 20;
/// Certificates of one name that are tried for one signature.
pub const SIGNER_CANDIDATES: usize = 4;
/// CAs of one name that are tried for a person's: whoever sends certificates of that name must not hide it.
pub const FAMILY_CANDIDATES: usize = 100;
/// CMS layers of one mail. Signed, encrypted, signed again by a list makes three; deeper is an
/// attack on our stack.
pub const CMS_LAYERS: usize = 8;

/// CMS objects among the parts of a mail that are looked into; a digest of more signed mails is read
/// with a doubt.
pub const NESTED_OBJECTS: usize = 50;

/// Bits of an RSA modulus that is used for verifying or encrypting.
pub const RSA_PUBLIC_BITS: std::ops::RangeInclusive<u32> = 1024..=16_384;
/// Bits of an RSA modulus whose secret key is used.
pub const RSA_SECRET_BITS: std::ops::RangeInclusive<u32> = 1024..=8192;
/// Bits of an RSA modulus below which a signature says nothing any more (RFC 8550, section 4.1).
pub const RSA_STRONG_BITS: u32 = 2048;

/// Certificates of one path, the anchor included.
pub const PATH_DEPTH: usize = 8;
/// Signature checks for building one path.
pub const PATH_SIGNATURES: usize = 100;
/// Signature checks for all paths of one message.
pub const MESSAGE_SIGNATURES: usize = 200;
/// Comparisons of names with name constraints along one path (rustls-webpki has the same number).
pub const NAME_CONSTRAINT_COMPARISONS: usize = 250_000;
/// Names of one certificate.
pub const CERTIFICATE_NAMES: usize = 500;

/// Bytes that one CompressedData may become.
pub const DECOMPRESSED_BYTES: u64 = 20 << 20;
/// How many times larger than its CompressedData a content may be, where it is above
/// [`DECOMPRESSED_BYTES`].
pub const DECOMPRESSION_RATIO: u64 = 100;

/// Bytes of a mail that is split into its parts; above it a mail is decrypted and verified, but
/// not split.
pub const MAIL_IN_MEMORY: u64 = 100 << 20;
/// Nesting of MIME parts.
pub const MIME_DEPTH: usize = 20;
/// Parts of one mail.
pub const MIME_PARTS: usize = 500;
/// Bytes of one header section.
pub const HEADER_BYTES: usize = 100_000;
/// Lines of one header section.
pub const HEADER_LINES: usize = 1000;
/// Control characters before the name of a field that are looked through at once, where the field is to be taken
/// out.
pub const FIELD_LEAD_BYTES: usize = 64;
/// Signed parts of one mail that are looked into for what a mailing list changed in them.
pub const LIST_PARTS: usize = 4;
/// Bytes of a signed part that is looked into for what a mailing list changed in it.
pub const LIST_PART_BYTES: usize = 1 << 20;
/// Lines at its end that a list may have added: footers have fewer than twenty.
pub const LIST_FOOTER_LINES: usize = 60;
/// Bytes that are digested in all to find out.
pub const LIST_HASHED_BYTES: usize = 64 << 20;
/// Digests that are compared in all to find out.
pub const LIST_TRIES: usize = 5000;
/// Bytes of a text in base64 that is looked into: each of its lines costs a digest over all of it.
pub const LIST_BASE64_BYTES: usize = 128 << 10;
/// Bytes of what was added that are told.
pub const LIST_ADDED_BYTES: usize = 4096;
/// Characters of the name of a list that are told.
pub const LIST_NAME_CHARACTERS: usize = 200;
/// Bytes of a boundary (RFC 2046, section 5.1.1).
pub const BOUNDARY_BYTES: usize = 70;
/// Parameters of one header field.
pub const HEADER_PARAMETERS: usize = 50;
/// Bytes of a line without its end (RFC 5322, section 2.1.1).
pub const LINE_BYTES: usize = 998;
/// Bytes of a file name that we make from a foreign one; file systems take 255.
pub const FILE_NAME_BYTES: usize = 200;
/// Bytes of the detached signature of a multipart/signed: certificates and revocation lists count.
pub const DETACHED_SIGNATURE_BYTES: usize = 12 << 20;
/// Digits of a Content-Length in an mbox: an exabyte has fewer.
pub const MBOX_LENGTH_DIGITS: usize = 18;
/// Addresses of one header field.
pub const ADDRESSES: usize = 20_000;
/// Bytes of a local part and of a domain (RFC 5321, section 4.5.3.1).
pub const LOCAL_PART_BYTES: usize = 64;
/// See [`LOCAL_PART_BYTES`].
pub const DOMAIN_BYTES: usize = 254;

/// PBKDF2 iterations that a file may ask for.
pub const PBKDF2_ITERATIONS: u32 = 10_000_000;
/// Bytes of memory that scrypt parameters of a file may ask for.
pub const SCRYPT_BYTES: u64 = 256 << 20;
/// Kibibytes of memory that Argon2 parameters of a store may ask for.
pub const ARGON2_KIBIBYTES: u32 = 1 << 20;
/// Bytes of a PKCS#12 file.
pub const PKCS12_BYTES: usize = 10 << 20;
/// Bags of a PKCS#12 file.
pub const PKCS12_BAGS: usize = 1000;
/// Bags within bags of a PKCS#12 file.
pub const PKCS12_NESTING: usize = 8;
/// Iterations of all derivations of a PKCS#12 file together: eighty keys at 600,000 each.
pub const PKCS12_ITERATIONS: u32 = 50_000_000;
/// Certificates that are tried as issuers for building one path.
pub const PATH_STEPS: usize = 5000;
/// Certificate policies and policy mappings of one certificate.
pub const CERTIFICATE_POLICIES: usize = 100;
/// Seconds that two clocks may differ: a certificate from so far in the future is taken.
pub const CLOCK_SKEW_SECONDS: i64 = 300;
/// Paths within paths: the signer of a revocation list has a path, on which a list may have
/// another signer.
pub const REVOCATION_NESTING: usize = 4;
/// Items of evidence that one question takes in; what is beyond speaks for nothing.
pub const EVIDENCE: usize = 20_000;
/// Arcs of the evidence graph that one search for a flow may walk along.
pub const FLOW_STEPS: usize = 20_000_000;
/// Other keys of an address that a key is compared with.
pub const RIVALS: usize = 50;
/// Items of evidence that an explanation values one by one.
pub const EXPLAINED_SOURCES: usize = 200;
/// Introducers along one path of certifications.
pub const INTRODUCERS: usize = 255;
/// Mailboxes and providers that several keys in one question rest on; each doubles the work.
pub const SHARED_CAUSES: usize = 8;
/// Nodes of an evidence graph that a picture shows.
pub const DRAWN_NODES: usize = 500;

/// Bytes of all OpenPGP keyrings of one import: Debian's together have 32 MB.
pub const OPENPGP_KEYRING_BYTES: usize = 256 << 20;
/// Certificates of one OpenPGP import.
pub const OPENPGP_CERTIFICATES: usize = 50_000;
/// Bytes of one OpenPGP certificate; what flooded keys have beyond it is refused.
pub const OPENPGP_CERTIFICATE_BYTES: usize = 16 << 20;
/// Bytes of one OpenPGP packet that is looked into: keys, user identifiers, signatures.
pub const OPENPGP_PACKET_BYTES: usize = 64 << 10;
/// Bytes of one user identifier.
pub const OPENPGP_USER_ID_BYTES: usize = 2048;
/// User identifiers of one OpenPGP certificate.
pub const OPENPGP_USER_IDS: usize = 200;
/// Certifications by others on one OpenPGP certificate.
pub const OPENPGP_CERTIFICATIONS: usize = 10_000;
/// Certifications by others on one OpenPGP certificate whose signatures are checked.
pub const OPENPGP_CERTIFICATION_CHECKS: usize = 5000;
/// Signatures that one OpenPGP certificate has of its own, revocations included.
pub const OPENPGP_SELF_SIGNATURES: usize = 1000;
/// Certificates of one key identifier (64 bits) that are tried as issuers.
pub const OPENPGP_ISSUER_CANDIDATES: usize = 4;
/// Regular expressions of one certification.
pub const OPENPGP_REGULAR_EXPRESSIONS: usize = 16;
/// Bytes of one such regular expression.
pub const OPENPGP_REGULAR_EXPRESSION_BYTES: usize = 512;
/// Paths that are looked for behind one binding.
pub const OPENPGP_PATHS: usize = 200;
/// Bytes of a link notation.
pub const OPENPGP_NOTATION_BYTES: usize = 1024;
/// Pairs of a link notation.
pub const OPENPGP_NOTATION_PAIRS: usize = 16;
/// Link notations of one self-signature.
pub const OPENPGP_LINKS: usize = 16;
/// Bytes of a file with one OpenPGP secret key: a flooded certificate has no place in it.
pub const OPENPGP_SECRET_KEY_BYTES: usize = 4 << 20;
/// Subkeys of an OpenPGP secret key.
pub const OPENPGP_SUBKEYS: usize = 100;
/// Memory that Argon2 may take to unlock an OpenPGP secret key: two to this, in KiB (RFC 9580, section 3.7.1.4,
/// recommends 21).
pub const OPENPGP_ARGON2_EXPONENT: u8 = 21;
/// Passes that Argon2 may take for it.
pub const OPENPGP_ARGON2_PASSES: u8 = 4;
/// Bytes of the text of a statement.
pub const STATEMENT_BYTES: usize = 4096;
/// Statements that are looked at for one question.
pub const STATEMENTS: usize = 1000;
/// Bytes of a statement with its signature.
pub const SIGNED_STATEMENT_BYTES: usize = 64 << 10;
/// Items of OpenPGP evidence that one message may carry.
pub const CARRIED_EVIDENCE: usize = 64;
/// Bytes of all items of OpenPGP evidence that one message may carry.
pub const CARRIED_EVIDENCE_BYTES: usize = 64 << 10;
/// Days for which a public CA may issue a certificate for mail: the legacy generation of the S/MIME
/// Baseline Requirements, section 6.3.2, which is the longest.
pub const PUBLIC_CERTIFICATE_DAYS: u32 = 1_185;
/// Signed mails of an author after which one without a signature is remarked upon.
pub const USUALLY_SIGNED: u32 = 5;
/// Roots of a list that a policy names; Mozilla trusts fewer than 100 for mail.
pub const MAIL_ROOTS: usize = 1_000;
/// Bytes of such a list.
pub const MAIL_ROOTS_BYTES: usize = 8 << 20;
/// Message-IDs that one mail may say it answers, and that are looked at: the last ones.
pub const ANSWERED_MESSAGES: usize = 50;
/// Certificates of one mail that are taken in without anybody asking for it.
pub const HARVESTED_CERTIFICATES: usize = 16;
/// Bytes of a policy file.
pub const POLICY_BYTES: usize = 256 << 10;

/// Bytes of a URL, or of a template of one.
pub const URL_BYTES: usize = 2048;
/// Bytes of the RDATA of one SMIMEA record: what one DNS message can hold.
pub const SMIMEA_BYTES: usize = 65_535;
/// SMIMEA records of one address.
pub const SMIMEA_RECORDS: usize = 20;
/// Bytes of one answer of a web key directory, a directory server or a finder command.
pub const LOOKUP_BYTES: usize = 1 << 20;
/// Certificates that one source may answer with.
pub const LOOKUP_CERTIFICATES: usize = 50;
/// Seconds for one question to the DNS, its DNSSEC chain included.
pub const DNS_SECONDS: u64 = 10;
/// Seconds for one answer over HTTP or LDAP, redirections included.
pub const LOOKUP_SECONDS: u64 = 15;
/// Seconds that a finder command may take.
pub const FINDER_SECONDS: u64 = 30;
/// Records of one name that are looked at.
pub const DNS_RECORDS: usize = 100;
/// Bytes of what a domain says of its servers: real documents have fewer than 10 KiB.
pub const DISCOVERY_BYTES: usize = 64 << 10;
/// Elements of such a document.
pub const DISCOVERY_ELEMENTS: usize = 2_000;
/// Elements in one another: servers stand at depth 4.
pub const DISCOVERY_DEPTH: usize = 16;
/// Servers that are looked at of those that one document names.
pub const DISCOVERY_SERVERS: usize = 20;
/// Bytes of a name by which a server knows a person.
pub const LOG_IN_NAME_BYTES: usize = 256;
/// Bytes of the settings of msmtp.
pub const MSMTP_BYTES: usize = 256 << 10;
/// Accounts in them.
pub const MSMTP_ACCOUNTS: usize = 200;
/// Bytes of an MTA-STS policy (RFC 8461, section 3.3, suggests 64 kilobytes).
pub const STS_POLICY_BYTES: usize = 64 << 10;
/// Mail exchangers of one policy.
pub const STS_HOSTS: usize = 500;
/// Domains of recipients that `doctor` asks about at once.
pub const DELIVERY_DOMAINS: usize = 50;
/// Mail exchangers of one domain that are looked at.
pub const MAIL_EXCHANGERS: usize = 10;
/// Redirections of one request.
pub const HTTP_REDIRECTS: u32 = 3;
/// Bytes of the header of one HTTP answer.
pub const HTTP_HEADER_BYTES: usize = 64 << 10;
/// Seconds for which a SMIMEA record counts at most, however long its TTL.
pub const DNS_EVIDENCE_SECONDS: i64 = 7 * 86_400;
/// Seconds for which an answer over HTTPS or LDAP counts.
pub const WEB_EVIDENCE_SECONDS: i64 = 86_400;
/// Seconds that `encrypt` waits for revocation lists and OCSP responses of all readers together.
pub const REVOCATION_SECONDS: u64 = 20;
/// The same for `verify` and `decrypt`, where somebody waits to read.
pub const REVOCATION_SECONDS_READING: u64 = 3;
/// Addresses of lists and responders that are asked for one certificate.
pub const REVOCATION_ADDRESSES: usize = 4;
/// Files of the cache of revocation lists and responses that are looked at; the newest come first.
pub const REVOCATION_CACHE_FILES: usize = 200;
/// Bytes of all of them together.
pub const REVOCATION_CACHE_BYTES: usize = 32 << 20;
/// Bytes of a file in which trust is taken along.
pub const TRUST_FILE_BYTES: usize = 256 << 20;
/// Lines of it.
pub const TRUST_FILE_ROWS: usize = 1_000_000;
/// Bytes of one of its lines. An OpenPGP certificate that many people certified is the longest.
pub const TRUST_FILE_LINE_BYTES: usize = 4 << 20;

/// Mails that wait in one queue, those that were refused or failed included.
pub const QUEUE_MAILS: usize = 20_000;
/// Bytes of all of them together.
pub const QUEUE_BYTES: u64 = 4 << 30;
/// Bytes of one file of the queue: all copies of one mail.
pub const QUEUE_FILE_BYTES: u64 = 1 << 30;
/// Bytes of the envelope of one file of the queue: what is known of each recipient has a few hundred.
pub const QUEUE_ENVELOPE_BYTES: usize = 16 << 20;
/// Copies of one mail: one for each group of readers, and one for each Bcc.
pub const QUEUE_UNITS: usize = 20_000;
/// Recipients of all copies of one mail: [`SUBMITTED_RECIPIENTS`], and those that its header names beside them.
pub const QUEUE_RECIPIENTS: usize = 20_000;
/// Bytes of what a file of the queue remembers of its tries.
pub const QUEUE_LOG_BYTES: u64 = 64 << 20;
/// Bytes of one line of it.
pub const QUEUE_LOG_LINE_BYTES: usize = 4 << 20;
/// Characters of what was said about a recipient that are remembered: a copy for each of them is in memory.
pub const QUEUE_REPLY_CHARACTERS: usize = 1000;
/// Recipients of one submitted mail: each gets a key, and each Bcc reader a copy.
pub const SUBMITTED_RECIPIENTS: usize = 5000;
/// Bytes of a submitted mail; encrypting makes it half as large again, and few servers take more.
pub const SUBMITTED_BYTES: usize = 50 << 20;
/// Bytes of a file of aliases.
pub const ALIAS_BYTES: usize = 1 << 20;
/// Aliases of aliases that are followed.
pub const ALIAS_DEPTH: usize = 10;
/// Bytes of a command line of SMTP: longer ones than RFC 5321, section 4.5.3.1.4, asks for exist (SMTPUTF8, DSN).
pub const SMTP_LINE_BYTES: usize = 4096;
/// Bytes of an envelope identifier (RFC 3461, section 4.4).
pub const ENVELOPE_IDENTIFIER_BYTES: usize = 100;
/// Files with certificates of one machine.
pub const SHELF_FILES: usize = 10_000;
/// Bytes of one of them: a certificate with those above it.
pub const SHELF_FILE_BYTES: usize = 256 << 10;
/// Bytes of a message that a user's spool may have root send: what [`SUBMITTED_BYTES`] become when they are sealed.
pub const SPOOLED_MESSAGE_BYTES: u64 = 100 << 20;
/// Spools that root looks at in one run.
pub const SPOOLS: usize = 10_000;
/// Spools under false names that root looks at and tells of, and as many other names.
pub const FALSE_SPOOLS: usize = 100;
/// Recipients of the mails of one user that root lists.
pub const LISTED_RECIPIENTS: usize = 200_000;
