"""The trees and files of Haiku."""
