"""Talks to the mail server: the only package that does. What became of a message is told by how far the talk came."""

from tasks.mail.smtp.mailer import Mailer

__all__ = ["Mailer"]
