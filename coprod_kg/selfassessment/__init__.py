"""The guided self-assessment: questions generated from the shapes, answers, and their verdict."""
