"""The words the fictional people are made of. Nobody here exists; every address ends in `.example`."""

from __future__ import annotations

TITLE = "Chemins croisés"
LEDE = "Une journée pour croiser nos regards : huit histoires, cinq angles d’écoute, douze groupes entre pairs."
PLACE = "Halle aux Grains, Saint-Rieul"
ORGANISER = ("Camille", "Le Tilleul", "camille.letilleul@chemins-croises.example")

TERRITORIES: dict[str, tuple[str, int]] = {
    "A": ("Armorique", 18),
    "B": ("Beauce", 16),
    "C": ("Cévennes", 14),
    "D": ("Dombes", 17),
    "E": ("Estuaire", 16),
    "F": ("Flandre", 18),
    "G": ("Garonne", 15),
    "H": ("Hautes-Vosges", 18),
}
# Eight people more than there are seats; two territories have seats for all who ask.
ONE_TOO_MANY = "ABCDFFHA"

TRADES = ("accompagnement", "encadrement technique", "direction", "partenariat", "coordination")
TRADE_SHARES = (40, 26, 14, 11, 9)
TITLES = {
    "accompagnement": "Chargé·e d’accompagnement",
    "encadrement technique": "Encadrant·e technique",
    "direction": "Directeur·rice",
    "partenariat": "Chargé·e de partenariats",
    "coordination": "Coordinateur·rice",
}

ANGLES = (
    "La collaboration autour de la personne",
    "Le partenariat au quotidien",
    "Nos pratiques qui évoluent",
    "La place de la personne",
    "Le temps et le rythme",
)

# Five in each territory; the first is big, so that keeping colleagues apart is work.
# fmt: off
STRUCTURES: dict[str, tuple[str, ...]] = {
    "A": (
        "Atelier du Pont", "Les Jardins de l’Anse", "Ressourcerie", "Cap Insertion", "La Fabrique bleue",
    ),
    "B": (
        "Les Moissons", "Recyclerie des Champs", "Épi & Compagnie", "Atelier Sainte-Foy", "Relais de l’Eure",
    ),
    "C": (
        "Chantier des Châtaigniers", "L’Âne et la Pierre", "Bois d’Aigoual", "Terrasses vives", "Mas du Vallon",
    ),
    "D": (
        "Les Étangs partagés", "Régie des Quatre-Vents", "Cuisine d’à côté", "Vélo-Dombes", "Maison Bressane",
    ),
    "E": ("Quai des Métiers", "Marée haute", "Atelier n° 7", "La Bouée", "Conserverie de la Rive"),
    "F": ("Les Briques", "Le Beffroi numérique", "Filature & Co", "Potager du Canal", "Entraide des Géants"),
    "G": ("Garonne Chantiers", "Les Gabarres", "Friperie du Fleuve", "Tuiles & Toits", "L’Escale"),
    "H": ("Scierie solidaire", "Les Hauts Prés", "Atelier « Myrtille »", "Le Col", "Textile des Ballons"),
}
# fmt: on
STRUCTURE_SHARES = (40, 24, 16, 12, 8)

# fmt: off
GIVEN = (
    "Inès", "Malo", "Awa", "Lucien", "Nadia", "Théo", "Rosa", "Yann", "Mariam", "Pierre-Yves", "Solène",
    "Karim", "Odile", "Bao", "Fatou", "Hugo", "Zoé", "Samir", "Élise", "Gaël", "Léonie", "Idriss", "Maud",
    "Oscar", "Safia", "Rémi", "Clarisse", "Tuan", "Noémie", "Bakary", "Agathe", "Joël", "Linh", "Étienne",
    "Salomé", "Driss", "Capucine", "Ousmane", "Viviane", "Loïc", "Anaïs", "Benoît", "Chloé", "Desta",
    "Eugénie", "Firmin", "Gwenaëlle", "Hélène", "Ibrahim", "Jeanne",
)
FAMILY = (
    "Kermarrec", "Diallo", "Vasseur", "Belkacem", "Roussel", "Petitjean", "Traoré", "Le Goff", "Amrani",
    "Fabre", "Zimmer", "Caron", "Haddad", "Morvan", "Schmitt", "Lopez", "Faure", "Benali", "Garnier", "Sow",
    "Lefèvre", "Müller", "Da Silva", "Bérard", "Œuvrard", "Kouassi", "Ben Saïd", "Çelik", "Grün",
    "Saint-Ange", "Pham", "Åkesson", "Ferreira", "Bonnefoy", "Tchaïkovsky", "Mbaye", "Delacroix",
)
# fmt: on
# Names that have broken other people's software.
HARD = (
    ("Sinéad", "O’Connor"),
    ("Minh", "Nguyễn"),
    ("Aliénor", "de La Tour"),
    ("Madjiguène", ""),
    ("Marie-Joséphine-Alexandrine", "de Montmorency-Laval de La Rochefoucauld-Doudeauville"),
    ("E\u0301lodie", "Be\u0301ranger"),
    ("ليلى", "حداد"),
    ("Zoë", "D'Angelo"),
    ("Łukasz", "Wójcik"),
    ("Marie", "Petit"),
    ("Marie", "Petit"),
    ("Jean", "Null"),
)

STORIES = (
    "Sortir du froid, entrer dans l’équipe",
    "Trois entretiens et un silence",
    "Le permis à cinquante ans",
    "Du contrat aidé au CDI",
    "Un soin qu’on remettait toujours",
    "La clé du logement",
    "Le jour où Sam a dit non",
    "Revenir après l’absence",
)
TOPICS = (
    "Comment aborder une addiction sans rompre la confiance ?",
    "Comment parler d’argent avec une personne endettée ?",
    "Que faire quand le logement lâche avant le travail ?",
    "Comment associer les personnes aux décisions de la structure ?",
    "Comment passer le relais sans perdre le fil ?",
    "Que répondre quand l’entreprise dit « pas prêt » ?",
    "Comment accompagner quelqu’un qui ne lit pas ?",
    "Comment tenir à deux métiers dans un même entretien ?",
    "Que faire de la colère en atelier ?",
    "Comment garder le lien après la sortie ?",
    "Comment accueillir une personne aidante ?",
    "Comment se déplacer sans permis ni bus ?",
)
MODALITIES = (
    "La confiance d’abord : un temps d’accueil sans dossier",
    "Des regards croisés entre atelier et accompagnement",
    "Un rythme choisi avec la personne, écrit et relu",
    "Un partenaire nommé, pas seulement une institution",
)
WORDS = (
    "Du partage, dans la bienveillance.",
    "Je repars avec deux idées à essayer dès lundi.",
    "De la force collective.",
    "Le temps d’écouter vraiment une histoire jusqu’au bout.",
    "Une question de pairs vaut dix formations.",
    "J’ai mis un nom sur une difficulté que je portais seul·e.",
)
