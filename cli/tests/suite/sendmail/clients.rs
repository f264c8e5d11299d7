//! Programs that send mail, with ours as their `sendmail`.
